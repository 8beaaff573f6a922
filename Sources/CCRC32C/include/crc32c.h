// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

#ifndef CCRC32C_H
#define CCRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Extends a CRC32C (Castagnoli, reflected polynomial 0x82F63B78) over `count` more bytes.
/// Start with 0; every value returned is a finished checksum that can be extended further.
uint32_t crc32c_extend(uint32_t crc, const void *_Nullable bytes, size_t count);

/// The checksum of A followed by B, from A's, B's and B's length; O(log length), nothing is read again.
uint32_t crc32c_combine(uint32_t crc1, uint32_t crc2, uint64_t length2);

/// `crc32c_extend` without instructions of the processor's own: what other machines run, and a second opinion in tests.
uint32_t crc32c_extend_portable(uint32_t crc, const void *_Nullable bytes, size_t count);

/// Whether this processor computes CRC32C in hardware.
bool crc32c_is_hardware(void);

#pragma clang assume_nonnull end

#endif
