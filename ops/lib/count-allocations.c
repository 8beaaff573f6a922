/* Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
 * Preloaded: counts what a program asks the allocator for, and says it on standard error when the program ends. */
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

extern void *__libc_malloc(size_t);
extern void *__libc_memalign(size_t, size_t);
static atomic_long count, bytes;

static void note(size_t size) {
    atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&bytes, (long)size, memory_order_relaxed);
}

void *malloc(size_t size) {
    note(size);
    return __libc_malloc(size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    note(size);
    *result = __libc_memalign(alignment, size);
    return *result ? 0 : 12; /* ENOMEM */
}

__attribute__((destructor)) static void tell(void) {
    dprintf(2, "allocations: %ld bytes: %ld\n", atomic_load(&count), atomic_load(&bytes));
}
