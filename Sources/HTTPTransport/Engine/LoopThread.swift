// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CCurl
internal import Glibc

/// Starts a loop on a thread of its own, which holds the loop until it has ended.
enum LoopThread {
    /// Returns whether the thread could be made. It takes no signals: they are for the process's other threads.
    static func start(_ loop: TransferLoop) -> Bool {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        unsafe pthread_attr_setstacksize(&attributes, 1 << 20)
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }

        let context = unsafe Unmanaged.passRetained(loop)  // +1, taken over by the thread
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, &attributes,
            { context in
                guard let context = unsafe context else { return nil }
                let loop = unsafe Unmanaged<TransferLoop>.fromOpaque(context).takeRetainedValue()  // -1
                ccurl_name_thread()
                loop.run()
                return nil
            }, context.toOpaque())
        if code != 0 { unsafe context.release() }
        return code == 0
    }
}
