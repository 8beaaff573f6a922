// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension World {
    // MARK: Processes

    func start(host: Int) {
        guard !isOver else { return }
        let process = Incarnation(self, host: host, number: nextNumber())
        let worker = Worker(process)
        workers.append(worker)
        if host < hosts.count { hosts[host] = worker } else { hosts.append(worker) }
        note("started", process.number, "\(process.instance)    starts")
        worker.start()
    }

    /// Crashes or freezes a process at one of its calls.
    func strike(_ process: Incarnation, _ strike: Scenario.Strike) {
        guard !weather.isCalm, process.condition == .running else { return }
        if let duration = strike.frozenFor { freeze(process, for: duration) } else { crash(process) }
    }

    func crash(_ process: Incarnation) {
        guard process.isAlive else { return }
        note("crash", process.number, "\(process.instance)    CRASHES")
        seen.add(.crashes)
        process.die()
        // A killed process is missed at once, a dead machine after its heartbeats.
        worker(of: process)?.subscriber.silenced(after: random.chance(0.5) ? 0 : random.between(0, 30 * .second))
        restart(process.host)
    }

    func freeze(_ process: Incarnation, for duration: Instant) {
        guard process.condition == .running else { return }
        note("freeze", process.number, "\(process.instance)    FREEZES for \(duration.text)s")
        seen.add(.freezes)
        process.freeze()
        worker(of: process)?.subscriber.silenced(after: 30 * .second)
        after(duration) { [self] in
            guard process.condition == .frozen else { return }
            note("thaw", process.number, "\(process.instance)    THAWS")
            process.thaw()
        }
    }

    private func drain(_ worker: Worker) {
        let process = worker.process
        guard process.condition == .running else { return }
        note("drain", process.number, "\(process.instance)    is told to end")
        seen.add(.drains)
        worker.drain(grace: random.pick([.zero, .seconds(2), .seconds(25)])) { [self] in
            guard process.condition == .running else { return }
            note("exit", process.number, "\(process.instance)    ends")
            process.exit()
            restart(process.host)
        }
    }

    private func restart(_ host: Int) {
        after(weather.isCalm ? .second : random.magnitude(100 * .millisecond, 3 * .minute)) { [self] in
            guard !hosts[host].process.isAlive else { return }
            start(host: host)
        }
    }

    private func worker(of process: Incarnation) -> Worker? { hosts.first { $0.process === process } }

    // MARK: Incidents

    func happen(_ incident: Scenario.Incident) {
        note("incident", 0, "~~~      \(incident)")
        switch incident {
        case .partition(_, _, _, let duration), .outage(_, let duration), .refused(_, _, let duration):
            guard let cloud = weather.gather(incident) else { return }
            after(duration) { [weather] in weather.clear(cloud) }
        case .cutLine(let host):
            seen.add(.linesCut)
            hosts[host].subscriber.cut()
        case .brokerRestart(let duration): restartBroker(duration)
        case .serverCancel(let host): hosts[host].subscriber.cancelledByServer()
        case .crash(let host): crash(hosts[host].process)
        case .freeze(let host, let duration): freeze(hosts[host].process, for: duration)
        case .drain(let host): drain(hosts[host])
        case .clockJump(let host, let step): skews[host] += step
        case .scopeLost(let tenant, let duration):
            scopesLost.insert(tenant)
            scopeLosses[tenant, default: 0] += 1
            after(duration) { [self] in scopesLost.remove(tenant) }
        case .blocked(let duration): block(duration)
        case .pause(let host, let duration):
            let worker = hosts[host]
            worker.pause(true)
            after(duration) { worker.pause(false) }
        }
    }

    private func block(_ duration: Instant) {
        let cloud = weather.gather(.partition(host: nil, .exchange, oneWay: false, duration))
        for worker in hosts { worker.brokerBlocks() }
        after(duration) { [weather] in if let cloud { weather.clear(cloud) } }
    }

    private func restartBroker(_ duration: Instant) {
        broker.isUp = false
        let cloud = weather.gather(.outage(.exchange, duration))
        for worker in hosts { worker.subscriber.lineBroke(after: random.between(.millisecond, .second)) }
        broker.closeAll()
        after(duration) { [self] in
            broker.isUp = true
            if let cloud { weather.clear(cloud) }
            broker.dispatchAgain()
        }
    }

    /// Nothing goes wrong any more; whoever is down comes up.
    func calmDown() {
        note("calm", 0, "~~~      calm: nothing goes wrong from here on")
        weather.clearAll()
        scopesLost = []
        for host in hosts.indices where !hosts[host].process.isAlive {
            restart(host)
        }
        readLog()
    }

    /// From time to time the operator does what the log asks for: refusals that are right are told to be so.
    private func readLog() {
        after(20 * .minute) { [self] in
            for worker in hosts { worker.vouch() }
            readLog()
        }
    }
}
