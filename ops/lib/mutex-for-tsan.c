// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
//
// Tells the thread sanitizer of locks it cannot see. The fast path of Swift's Synchronization.Mutex is inlined into code
// that is instrumented; a contended lock is taken and released in the standard library, which is not, so that whatever it
// guards would be reported. Preloaded by ops/sanitize, these take the place of the slow paths and say what happens.
//
// The names are those of Swift 6.0 to 6.3 (stdlib/public/Synchronization/Mutex/LinuxImpl.swift). Where they are others the
// reports come back, which is how one learns of it.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

// Not there in programs without the sanitizer, which get this preloaded too.
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

typedef void (*lock_function)(uint32_t, __attribute__((swift_context)) void *) __attribute__((swiftcall));
typedef bool (*try_function)(__attribute__((swift_context)) void *) __attribute__((swiftcall));
typedef void (*unlock_function)(__attribute__((swift_context)) void *) __attribute__((swiftcall));

__attribute__((swiftcall, visibility("default"))) void
lock_slow(uint32_t thread, __attribute__((swift_context)) void *mutex) __asm__(LOCK);
__attribute__((swiftcall, visibility("default"))) bool
try_lock_slow(__attribute__((swift_context)) void *mutex) __asm__(TRY_LOCK);
__attribute__((swiftcall, visibility("default"))) void
unlock_slow(__attribute__((swift_context)) void *mutex) __asm__(UNLOCK);

// Looked up at the first call: a program may load the library late, or never.
static void *original(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((swiftcall)) void lock_slow(uint32_t thread, __attribute__((swift_context)) void *mutex) {
  static lock_function next;
  if (!next) next = (lock_function)original(LOCK);
  next(thread, mutex);
  if (__tsan_acquire) __tsan_acquire(mutex);
}

__attribute__((swiftcall)) bool try_lock_slow(__attribute__((swift_context)) void *mutex) {
  static try_function next;
  if (!next) next = (try_function)original(TRY_LOCK);
  bool taken = next(mutex);
  if (taken && __tsan_acquire) __tsan_acquire(mutex);
  return taken;
}

__attribute__((swiftcall)) void unlock_slow(__attribute__((swift_context)) void *mutex) {
  static unlock_function next;
  if (!next) next = (unlock_function)original(UNLOCK);
  if (__tsan_release) __tsan_release(mutex);
  next(mutex);
}
