/* Inverses of the matrices K_y of Woodbury's form (woodbury.h), for all labels.
 *
 * K_y joins row bin i and column bin j with conductance w_ij = m_ij pi_ij(y).
 * With the columns' signs turned it is the Laplacian of a bipartite graph, and
 * the column bin of the gauge is its ground. Rows are eliminated first, then
 * columns, every pivot being the sum of what still leads away from the node
 * (Grassmann, Taksar and Heyman 1985): nothing is subtracted, so that each
 * entry of the inverse is right to roundings whatever the range of w.
 *
 *   K_y^-1 = [ rr  -rc ]      all three >= 0, and 0 at the ground and at bins
 *            [ .    cc ]      without conductance
 */
#ifndef PID_LAPLACIAN_H
#define PID_LAPLACIAN_H

#include "mml/base.h"

typedef struct {
    int     rows, columns, labels;
    int     width;       /* columns rounded up to whole lanes                                     */
    int    *ground;      /* [labels] column                                                        */
    double *w;           /* [rows, columns, lanes of labels] scratch, filled by the caller         */
    double *rr;          /* [labels, rows, rows]                                                   */
    double *rc;          /* [labels, rows, width]                                                  */
    double *cc;          /* [labels, width, width], 0 beyond columns                               */
    double *scratch;
} MmlLaplacian;

/* 0 with mml_fail set when out of memory. ground is to be filled by the caller. */
int mml_laplacian_new(int rows, int columns, int labels, MmlArena *arena, MmlLaplacian *out);

/* Bytes that mml_laplacian_new takes, about. */
double mml_laplacian_bytes(int rows, int columns, int labels);

/* Position of label y's conductance between i and j in w. */
static inline i64 mml_laplacian_at(const MmlLaplacian *l, int i, int j, int y) {
    return (((i64)(y / 4) * l->rows + i) * l->columns + j) * 4 + y % 4;
}

/* Fills rr, rc and cc from w. 0 when a bin with conductance is cut off from the ground. */
int mml_laplacian_invert(MmlLaplacian *l);

#endif
