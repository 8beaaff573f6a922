// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
//
// Tells the thread sanitizer of what happens in Swift's libraries, which are not built for it. Preloaded by ops/sanitize,
// these functions take the place of theirs, say what happens, and go on there.
//
// - Synchronization.Mutex: the fast path is inlined into code that is instrumented; a contended lock is taken and released
//   in the library, so that whatever it guards would be reported.
// - Continuations: where one is resumed before it is awaited, the task never stops and nothing tells that it has seen
//   whatever was done before.
//
// The mutex's names are those of Swift 6.0 to 6.3 (stdlib/public/Synchronization/Mutex/LinuxImpl.swift), the others are
// the ABI's (stdlib/public/Concurrency). Where they are others the reports come back, which is how one learns of it.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
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

// What would be called without this library. (Looked up at the first call: a program may load Swift's late, or never.)
#define ORIGINAL(type, name) \
  ({ \
    static type found; \
    if (!found) found = (type)dlsym(RTLD_NEXT, name); \
    found; \
  })

__attribute__((swiftcall)) void lock_slow(uint32_t thread, __attribute__((swift_context)) void *mutex) {
  ORIGINAL(lock_function, LOCK)(thread, mutex);
  if (__tsan_acquire) __tsan_acquire(mutex);
}

__attribute__((swiftcall)) bool try_lock_slow(__attribute__((swift_context)) void *mutex) {
  bool taken = ORIGINAL(try_function, TRY_LOCK)(mutex);
  if (taken && __tsan_acquire) __tsan_acquire(mutex);
  return taken;
}

__attribute__((swiftcall)) void unlock_slow(__attribute__((swift_context)) void *mutex) {
  if (__tsan_release) __tsan_release(mutex);
  ORIGINAL(unlock_function, UNLOCK)(mutex);
}

struct context;
typedef void (*resume_function)(void *) __attribute__((swiftcall));
typedef void (*resume_with_error_function)(void *, void *) __attribute__((swiftcall));
typedef void (*await_function)(void *) __attribute__((swiftasynccall));
typedef void (*resumed_function)(__attribute__((swift_async_context)) struct context *) __attribute__((swiftasynccall));
typedef void *(*current_task_function)(void) __attribute__((swiftcall));

__attribute__((swiftcall, visibility("default"))) void swift_continuation_resume(void *task) {
  if (__tsan_release) __tsan_release(task);
  ORIGINAL(resume_function, __func__)(task);
}

__attribute__((swiftcall, visibility("default"))) void swift_continuation_throwingResume(void *task) {
  if (__tsan_release) __tsan_release(task);
  ORIGINAL(resume_function, __func__)(task);
}

__attribute__((swiftcall, visibility("default"))) void
swift_continuation_throwingResumeWithError(void *task, void *error) {
  if (__tsan_release) __tsan_release(task);
  ORIGINAL(resume_with_error_function, __func__)(task, error);
}

// What goes on after an await has its name in the first words of the context (the ABI's AsyncContext). Ours stands there
// while the continuation is awaited: whether it is resumed before, meanwhile or later, the task has then seen whatever
// was done before.
struct context {
  struct context *parent;
  await_function resume;
};

#define AWAITS 65536
static struct {
  _Atomic(struct context *) context;
  await_function resume;
} awaits[AWAITS];

static unsigned place_of(struct context *context) { return (unsigned)((uintptr_t)context >> 4) % AWAITS; }

__attribute__((swiftasynccall)) static void resumed(__attribute__((swift_async_context)) struct context *context) {
  unsigned place = place_of(context);
  while (atomic_load(&awaits[place].context) != context) place = (place + 1) % AWAITS;
  await_function resume = awaits[place].resume;
  context->resume = resume;
  atomic_store(&awaits[place].context, NULL);
  __tsan_acquire(ORIGINAL(current_task_function, "swift_task_getCurrent")());
  __attribute__((musttail)) return ((resumed_function)resume)(context);
}

__attribute__((swiftasynccall, visibility("default"))) void swift_continuation_await(void *awaited) {
  await_function next = ORIGINAL(await_function, __func__);
  struct context *context = awaited;
  if (__tsan_acquire) {
    unsigned place = place_of(context);
    struct context *nobody = NULL;
    // A task that was given up never comes back for its place; another has its memory now.
    while (!atomic_compare_exchange_strong(&awaits[place].context, &nobody, context) && nobody != context) {
      nobody = NULL;
      place = (place + 1) % AWAITS;
    }
    awaits[place].resume = context->resume;
    context->resume = (await_function)resumed;
  }
  __attribute__((musttail)) return next(awaited);
}
