// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// How the tenant treats a model version: one optional part per endpoint. An empty behaviour is a healthy tenant.
package struct Behaviour: Sendable, Hashable, Codable {
    /// The size of the artifact.
    package var size: ByteSize?
    /// What the token endpoint does; chosen by client, since it sees no model.
    package var token: TokenBehaviour?
    /// What the version's page says.
    package var validate: ValidateBehaviour?
    /// What the export endpoint does.
    package var trigger: TriggerBehaviour?
    /// What the job does and what its page says.
    package var poll: PollBehaviour?
    /// What the artifact's URL does.
    package var download: DownloadBehaviour?

    /// Makes a behaviour of the parts given.
    package init(
        size: ByteSize? = nil, token: TokenBehaviour? = nil, validate: ValidateBehaviour? = nil,
        trigger: TriggerBehaviour? = nil, poll: PollBehaviour? = nil, download: DownloadBehaviour? = nil
    ) {
        self.size = size
        self.token = token
        self.validate = validate
        self.trigger = trigger
        self.poll = poll
        self.download = download
    }
}

/// What the token endpoint does.
package struct TokenBehaviour: Sendable, Hashable, Codable {
    /// Misbehaviour, tried in order.
    package var faults: [Fault]?
    /// How long a token is really good for.
    package var lifetime: HumanDuration?
    /// What `expires_in` says instead of the lifetime in seconds.
    package var expiresIn: JSONValue?
    /// Leaves `expires_in` out.
    package var omitsExpiresIn: Bool?

    /// Makes a behaviour of the fields given.
    package init(
        faults: [Fault]? = nil, lifetime: HumanDuration? = nil, expiresIn: JSONValue? = nil,
        omitsExpiresIn: Bool? = nil
    ) {
        self.faults = faults
        self.lifetime = lifetime
        self.expiresIn = expiresIn
        self.omitsExpiresIn = omitsExpiresIn
    }
}

/// What a version's page says.
package struct ValidateBehaviour: Sendable, Hashable, Codable {
    /// A status that lasts for a number of looks, a time, or for ever.
    package struct Step: Sendable, Hashable, Codable {
        /// The status; any JSON value; left out of the answer when absent.
        package var status: JSONValue?
        /// Lasts for so many looks.
        package var looks: Int?
        /// Lasts so long, counted from the first look.
        package var lasts: HumanDuration?

        /// Makes a step; without `looks` and `lasts` it never ends.
        package init(_ status: JSONValue?, looks: Int? = nil, lasts: HumanDuration? = nil) {
            self.status = status
            self.looks = looks
            self.lasts = lasts
        }
    }

    /// Misbehaviour, tried in order.
    package var faults: [Fault]?
    /// The statuses the version goes through; `TRAINED` by default.
    package var steps: [Step]?

    /// Makes a behaviour of the fields given.
    package init(faults: [Fault]? = nil, steps: [Step]? = nil) {
        self.faults = faults
        self.steps = steps
    }
}

/// What the export endpoint does.
package struct TriggerBehaviour: Sendable, Hashable, Codable {
    /// Misbehaviour, tried in order; `effect` tells whether the job comes into being.
    package var faults: [Fault]?

    /// Makes a behaviour of the fields given.
    package init(faults: [Fault]? = nil) {
        self.faults = faults
    }
}

/// What a job does and what its page says.
package struct PollBehaviour: Sendable, Hashable, Codable {
    /// Misbehaviour, tried in order.
    package var faults: [Fault]?
    /// How long a job takes.
    package var duration: HumanDuration?
    /// The status the job never leaves (`PENDING`, `RUNNING`).
    package var stuck: String?
    /// The status at the end; `COMPLETED` by default.
    package var outcome: String?
    /// The `errorMessage` of an outcome other than `COMPLETED`.
    package var errorMessage: String?
    /// `stuck` and `outcome` concern only the first so many jobs of a model version.
    package var jobs: Int?
    /// Where the artifact is said to be.
    package var link: LinkBehaviour?

    /// Makes a behaviour of the fields given.
    package init(
        faults: [Fault]? = nil, duration: HumanDuration? = nil, stuck: String? = nil, outcome: String? = nil,
        errorMessage: String? = nil, jobs: Int? = nil, link: LinkBehaviour? = nil
    ) {
        self.faults = faults
        self.duration = duration
        self.stuck = stuck
        self.outcome = outcome
        self.errorMessage = errorMessage
        self.jobs = jobs
        self.link = link
    }
}
