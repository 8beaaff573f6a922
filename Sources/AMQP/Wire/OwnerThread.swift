// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CRabbitMQ
internal import Glibc

/// A thread of one's own for C calls that block, outside Swift's cooperative pool.
enum OwnerThread {
    /// librabbitmq 0.11 decodes nested header tables recursively without a limit, and a frame of 128 KiB holds
    /// 26,000 levels. They take just under 4 MiB of stack; four times that is address space only, untouched pages cost
    /// nothing.
    private static let stackSize = 16 << 20

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs `body` on a new, detached thread named `name` (15 bytes at most).
    static func start(name: String, _ body: @escaping @Sendable () -> Void) throws(AMQPError) {
        ignoreBrokenPipes()
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setstacksize(&attributes, stackSize)
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let box = unsafe Unmanaged.passRetained(
            Body {
                setUp(name: name); body()
            })
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, &attributes,
            { argument in
                // Balances passRetained below.
                let box = unsafe Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue()
                box.run()
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            unsafe box.release()
            throw AMQPError(.system, "No thread could be started for the broker connection (error \(code)).")
        }
    }

    /// Signals are for other threads: none interrupts a C call here, and a broken pipe is an error code.
    private static func setUp(name: String) {
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_BLOCK, &all, nil)
        _ = unsafe crmq_name_thread(String(name.prefix(15)))
    }

    /// librabbitmq sends with MSG_NOSIGNAL, OpenSSL's own paths need not.
    private static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
    }
}
