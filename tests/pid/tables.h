/* Tables for the tests, and a checker of certificates that shares no code with
 * the solver. */
#ifndef TEST_TABLES_H
#define TEST_TABLES_H

#include "mml/pid.h"
#include "mml/random.h"

typedef struct { const char *name; int n1, n2, ny; double p[64]; double r, u1, u2, s; } Gate;

/* Distributions whose atoms have a closed form. */
extern const Gate GATES[];
extern const int  GATE_COUNT;
MmlTable gate_table(const Gate *gate);

typedef enum { DENSE_WEIGHTS, SPARSE_WEIGHTS, DECADES, SPARSE_DECADES, COUNTS, ONE_DOMINANT, NEAR_DETERMINISTIC, TABLE_KINDS } TableKind;

/* Weights of at most `most` bins a source and 6 labels; kind by the stream. */
MmlTable random_table(MmlRandom *random, TableKind kind, int sources, int most, MmlArena *arena);

/* A table of the given sizes filled by `kind`. */
MmlTable filled_table(MmlRandom *random, TableKind kind, int sources, const int *bins, int labels, MmlArena *arena);

/* What q and dual prove, in long double. */
typedef struct {
    double gap;             /* bits */
    double marginals;       /* L1 of all marginals of q against those of P */
    double infeasible;      /* largest log sum_y exp(sum u) over all tuples */
    double least_q;
} Certificate;
Certificate check_certificate(const MmlTable *table, const MmlPid *pid);

/* Σ over cells. */
i64 table_cells(const MmlTable *table);

#endif
