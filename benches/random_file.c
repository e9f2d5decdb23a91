/* Creates the object that is downloaded: random_file FILE SIZE
 * writes SIZE random-looking bytes and prints their CRC-64/XZ in decimal, as OSS sends it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define WORDS 8192

static uint64_t crc_table[256];

static void fill_crc_table(void) {
    unsigned byte, bit;
    for (byte = 0; byte < 256; byte++) {
        uint64_t crc = byte;
        for (bit = 0; bit < 8; bit++) {
            crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xC96C5795D7870F42U : crc >> 1;
        }
        crc_table[byte] = crc;
    }
}

/* splitmix64: no two blocks of the file are equal. */
static uint64_t next_word(uint64_t *state) {
    uint64_t word = (*state += 0x9E3779B97F4A7C15U);
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9U;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBU;
    return word ^ (word >> 31);
}

int main(int argc, char **argv) {
    static uint64_t block[WORDS];
    uint64_t state = 1, crc = ~(uint64_t)0;
    long long left;
    FILE *file;

    if (argc != 3 || (left = atoll(argv[2])) <= 0) {
        fprintf(stderr, "usage: random_file FILE SIZE\n");
        return 2;
    }
    file = fopen(argv[1], "wb");
    if (file == NULL) {
        perror(argv[1]);
        return 1;
    }
    fill_crc_table();
    while (left > 0) {
        size_t i, len = left < (long long)sizeof block ? (size_t)left : sizeof block;
        const unsigned char *bytes = (const unsigned char *)block;
        for (i = 0; i < WORDS; i++) {
            block[i] = next_word(&state);
        }
        for (i = 0; i < len; i++) {
            crc = crc_table[(crc ^ bytes[i]) & 0xFF] ^ (crc >> 8);
        }
        if (fwrite(block, 1, len, file) != len) {
            perror(argv[1]);
            return 1;
        }
        left -= (long long)len;
    }
    if (fclose(file) != 0) {
        perror(argv[1]);
        return 1;
    }
    printf("%llu\n", (unsigned long long)~crc);
    return 0;
}
