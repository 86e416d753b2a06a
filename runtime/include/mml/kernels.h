/* What this machine's CPU means for the blocked kernels of mml/abi.def. */
#ifndef MML_KERNELS_H
#define MML_KERNELS_H

#include "mml/base.h"

/* The largest `block` whose kernels run on this CPU: 16 with AVX-512
 * (x86-64-v4), 8 with AVX2 and FMA (x86-64-v3), else 4. Smaller ones run too. */
i64 mml_block_of_cpu(void);

#endif
