// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

#include "crc32c.h"

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#define CRC32C_HARDWARE 1
#define CRC32C_TARGET __attribute__((target("sse4.2")))
#define CRC32C_BYTE(crc, value) __builtin_ia32_crc32qi((crc), (value))
#define CRC32C_WORD(crc, value) ((uint32_t)__builtin_ia32_crc32di((crc), (value)))
#elif defined(__aarch64__) && defined(__linux__) && defined(__AARCH64EL__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#define CRC32C_HARDWARE 1
#define CRC32C_TARGET __attribute__((target("crc")))
#define CRC32C_BYTE(crc, value) __builtin_arm_crc32cb((crc), (value))
#define CRC32C_WORD(crc, value) __builtin_arm_crc32cd((crc), (value))
#else
#define CRC32C_HARDWARE 0
#endif

#define POLYNOMIAL 0x82F63B78u
// x^0 in the reflected representation, where the highest bit is the lowest power.
#define ONE (1u << 31)

// Three streams of this many bytes are computed side by side: the instruction has a latency of three cycles and a
// throughput of one. The long block suits parts of an upload, the short one what is left.
#define LONG_BLOCK 4096
#define SHORT_BLOCK 256

// Slicing-by-8: sliced[k][b] is the checksum state of byte b followed by k zero bytes.
static uint32_t sliced[8][256];
// Multiplication of a state by x^(8 * block), one table for each of the state's bytes.
static uint32_t skip_long[4][256];
static uint32_t skip_short[4][256];
static bool hardware;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/// a * b modulo the polynomial.
static uint32_t multiply(uint32_t a, uint32_t b) {
    uint32_t product = 0;
    for (uint32_t bit = ONE; bit != 0; bit >>= 1) {
        if (a & bit) product ^= b;
        b = (b & 1) ? (b >> 1) ^ POLYNOMIAL : b >> 1;
    }
    return product;
}

/// x^(8 * length) modulo the polynomial: what `length` zero bytes do to a state.
static uint32_t power_of_zeros(uint64_t length) {
    uint32_t result = ONE;
    uint32_t square = ONE >> 8;  // x^8
    for (; length != 0; length >>= 1) {
        if (length & 1) result = multiply(square, result);
        square = multiply(square, square);
    }
    return result;
}

static void fill_skip(uint32_t table[4][256], uint64_t length) {
    uint32_t factor = power_of_zeros(length);
    for (uint32_t value = 0; value < 256; value++)
        for (int byte = 0; byte < 4; byte++)
            table[byte][value] = multiply(factor, value << (8 * byte));
}

static void fill_sliced(void) {
    for (uint32_t value = 0; value < 256; value++) {
        uint32_t state = value;
        for (int bit = 0; bit < 8; bit++) state = (state & 1) ? (state >> 1) ^ POLYNOMIAL : state >> 1;
        sliced[0][value] = state;
    }
    for (uint32_t value = 0; value < 256; value++)
        for (int k = 1; k < 8; k++)
            sliced[k][value] = (sliced[k - 1][value] >> 8) ^ sliced[0][sliced[k - 1][value] & 0xff];
}

static void prepare(void) {
    fill_sliced();
    fill_skip(skip_long, LONG_BLOCK);
    fill_skip(skip_short, SHORT_BLOCK);
#if defined(__x86_64__)
    __builtin_cpu_init();
    hardware = __builtin_cpu_supports("sse4.2");
#elif CRC32C_HARDWARE
    hardware = (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#endif
}

static inline uint64_t load64(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/// One step of slicing-by-8; bytes are taken one by one, so that the order of the machine does not matter.
static uint32_t portable_eight(uint32_t state, const uint8_t *b) {
    state ^= (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    return sliced[7][state & 0xff] ^ sliced[6][(state >> 8) & 0xff] ^ sliced[5][(state >> 16) & 0xff]
        ^ sliced[4][state >> 24] ^ sliced[3][b[4]] ^ sliced[2][b[5]] ^ sliced[1][b[6]] ^ sliced[0][b[7]];
}

static uint32_t extend_portable(uint32_t state, const uint8_t *next, size_t count) {
    for (; count >= 8; count -= 8, next += 8) state = portable_eight(state, next);
    for (; count > 0; count--, next++) state = (state >> 8) ^ sliced[0][(state ^ *next) & 0xff];
    return state;
}

#if CRC32C_HARDWARE
static inline uint32_t skip(uint32_t table[4][256], uint32_t state) {
    return table[0][state & 0xff] ^ table[1][(state >> 8) & 0xff] ^ table[2][(state >> 16) & 0xff]
        ^ table[3][state >> 24];
}

CRC32C_TARGET static inline uint32_t three_streams(
    uint32_t state, const uint8_t *next, size_t block, uint32_t table[4][256]
) {
    uint32_t second = 0, third = 0;
    for (const uint8_t *end = next + block; next < end; next += 8) {
        state = CRC32C_WORD(state, load64(next));
        second = CRC32C_WORD(second, load64(next + block));
        third = CRC32C_WORD(third, load64(next + 2 * block));
    }
    return skip(table, skip(table, state) ^ second) ^ third;
}

CRC32C_TARGET static uint32_t extend_hardware(uint32_t state, const uint8_t *next, size_t count) {
    for (; count > 0 && ((uintptr_t)next & 7) != 0; count--, next++) state = CRC32C_BYTE(state, *next);
    for (; count >= 3 * LONG_BLOCK; count -= 3 * LONG_BLOCK, next += 3 * LONG_BLOCK)
        state = three_streams(state, next, LONG_BLOCK, skip_long);
    for (; count >= 3 * SHORT_BLOCK; count -= 3 * SHORT_BLOCK, next += 3 * SHORT_BLOCK)
        state = three_streams(state, next, SHORT_BLOCK, skip_short);
    for (; count >= 8; count -= 8, next += 8) state = CRC32C_WORD(state, load64(next));
    for (; count > 0; count--, next++) state = CRC32C_BYTE(state, *next);
    return state;
}
#endif

uint32_t crc32c_extend(uint32_t crc, const void *bytes, size_t count) {
    pthread_once(&once, prepare);
    if (bytes == NULL || count == 0) return crc;
#if CRC32C_HARDWARE
    if (hardware) return ~extend_hardware(~crc, bytes, count);
#endif
    return ~extend_portable(~crc, bytes, count);
}

uint32_t crc32c_extend_portable(uint32_t crc, const void *bytes, size_t count) {
    pthread_once(&once, prepare);
    if (bytes == NULL || count == 0) return crc;
    return ~extend_portable(~crc, bytes, count);
}

uint32_t crc32c_combine(uint32_t crc1, uint32_t crc2, uint64_t length2) {
    return multiply(power_of_zeros(length2), crc1) ^ crc2;
}

bool crc32c_is_hardware(void) {
    pthread_once(&once, prepare);
    return hardware;
}
