#include "mml/random.h"

#include <math.h>

/* Constants of Philox 4x32 (Salmon, Moraes, Dror, Shaw: "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011, table 2 and section 3.3). */
#define MULTIPLIER_0 0xD2511F53u
#define MULTIPLIER_1 0xCD9E8D57u
#define WEYL_0       0x9E3779B9u
#define WEYL_1       0xBB67AE85u
#define ROUNDS       10

void mml_philox(const u32 counter[4], const u32 key[2], u32 out[4]) {
    u32 c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    u32 k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        u64 product0 = (u64)MULTIPLIER_0 * c0, product1 = (u64)MULTIPLIER_1 * c2;
        c0 = (u32)(product1 >> 32) ^ c1 ^ k0;
        c2 = (u32)(product0 >> 32) ^ c3 ^ k1;
        c1 = (u32)product1;
        c3 = (u32)product0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    out[0] = c0; out[1] = c1; out[2] = c2; out[3] = c3;
}

MmlRandom mml_random(u64 seed, MmlStream purpose, u64 a, u64 b) {
    u32 seed_key[2] = {(u32)seed, (u32)(seed >> 32)};
    u32 name[4] = {(u32)a, (u32)(a >> 32), (u32)purpose, 0};
    u32 derived[4];
    mml_philox(name, seed_key, derived);
    return (MmlRandom){
        .key = {derived[0], derived[1]},
        .counter = {0, 0, (u32)b, (u32)(b >> 32)},
        .used = 4,
    };
}

u32 mml_random_u32(MmlRandom *r) {
    if (r->used == 4) {
        mml_philox(r->counter, r->key, r->block);
        if (++r->counter[0] == 0) r->counter[1]++;
        r->used = 0;
    }
    return r->block[r->used++];
}

double mml_random_uniform(MmlRandom *r) {
    u64 high = mml_random_u32(r) >> 5, low = mml_random_u32(r) >> 6;
    return (double)(high << 26 | low) * 0x1p-53;
}

void mml_random_normal_pair(MmlRandom *r, double out[2]) {
    double radius = sqrt(-2.0 * log(1.0 - mml_random_uniform(r)));      /* 1 - u is in (0, 1] */
    double angle = 2.0 * M_PI * mml_random_uniform(r);
    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}

double mml_random_normal(MmlRandom *r) {
    double pair[2];
    mml_random_normal_pair(r, pair);
    return pair[0];
}

/* Lemire, "Fast random integer generation in an interval" (2019): the high
 * word of a product, with the few values rejected that would be drawn once too often. */
u64 mml_random_below(MmlRandom *r, u64 bound) {
    if (bound == 0) return 0;
    u64 threshold = (0 - bound) % bound;
    for (;;) {
        u64 high = mml_random_u32(r), low = mml_random_u32(r);
        unsigned __int128 product = (unsigned __int128)(high << 32 | low) * bound;
        if ((u64)product >= threshold) return (u64)(product >> 64);
    }
}

void mml_random_shuffle(MmlRandom *r, i64 *items, i64 count) {
    for (i64 i = count - 1; i > 0; i--) {
        i64 j = (i64)mml_random_below(r, (u64)i + 1);
        i64 kept = items[i];
        items[i] = items[j];
        items[j] = kept;
    }
}
