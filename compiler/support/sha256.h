/* SHA-256 (FIPS 180-4, section 6.2). */
#ifndef SUPPORT_SHA256_H
#define SUPPORT_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct { unsigned char bytes[32]; } Digest;

typedef struct {
    uint32_t      state[8];
    uint64_t      length;             /* bytes so far               */
    unsigned char block[64];          /* the begun one              */
} Sha256;

void   sha256_start(Sha256 *hash);
void   sha256_add(Sha256 *hash, const void *bytes, size_t size);
/* size in 8 bytes, then the bytes: parts of other lengths never give the same. */
void   sha256_part(Sha256 *hash, const void *bytes, size_t size);
Digest sha256_end(Sha256 *hash);

/* 64 lower-case digits and NUL. */
void   digest_text(const Digest *digest, char text[65]);

#endif
