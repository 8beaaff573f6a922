// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Says which seed was running where the code under test trapped.
enum CrashReport {
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        unsafe pthread_key_create(&key, nil)
        return key
    }()

    /// The seed that the calling thread simulates from now on.
    static func note(_ seed: UInt64) { unsafe pthread_setspecific(key, UnsafeRawPointer(bitPattern: UInt(seed))) }

    static func install() {
        _ = key
        for trap in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS] {
            signal(trap) { number in
                CrashReport.tell(UInt(bitPattern: unsafe pthread_getspecific(CrashReport.key)))
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }

    /// Writes the seed with nothing but what a signal handler may use.
    private static func tell(_ seed: UInt) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        unsafe withUnsafeMutableBytes(of: &digits) { buffer in
            var index = buffer.count - 1
            unsafe buffer[index] = 10
            var rest = seed
            repeat {
                index -= 1
                unsafe buffer[index] = UInt8(48 + rest % 10)
                rest /= 10
            } while rest > 0 && index > 0
            let text: StaticString = "\nthe code trapped; to see it: ops/simulate --seed "
            unsafe write(2, text.utf8Start, text.utf8CodeUnitCount)
            unsafe write(2, buffer.baseAddress! + index, buffer.count - index)
        }
    }
}
