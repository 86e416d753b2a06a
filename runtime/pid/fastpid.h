/* FastPID as published (paper, Algorithm 2): softmax logits, Sinkhorn sweeps
 * onto both pair marginals, loss -H_Q(Y | X1, X2), its gradient through sweeps
 * and softmax, Adam.
 *
 * What the paper leaves unsaid and reproduces its Table VI: the first
 * comparison with Q_init is skipped; a sweep scales (x2, y), then (x1, y); the
 * Adam step comes before the test.
 */
#ifndef PID_FASTPID_H
#define PID_FASTPID_H

#include "pid/fastpid_kernel.h"
#include "pid/table.h"

/* Writes q[tuples, labels], the projection of the final logits, and the number
 * of steps done. joint has two sources. Scratch is released on return. Fails
 * with MML_EINPUT on wrong options, MML_ENUMERIC when the logits blow up. */
Status mml_fastpid(const MmlJoint *joint, const MmlPidOptions *options, MmlArena *arena, double *q, int *steps);

/* The same with a build of the kernel chosen by the caller; mml_fastpid takes
 * the best that this processor has. Builds differ by roundings. */
Status mml_fastpid_with(const MmlJoint *joint, const MmlPidOptions *options, const MmlFastPidKernel *kernel, MmlArena *arena,
                        double *q, int *steps);

/* The loss -H_Q(Y | X1, X2) in nats at logits[tuples, labels] and, when
 * gradient isn't NULL, its derivative by them. */
Status mml_fastpid_loss(const MmlJoint *joint, const MmlPidOptions *options, const MmlFastPidKernel *kernel,
                        const double *logits, MmlArena *arena, double *loss, double *gradient);

#endif
