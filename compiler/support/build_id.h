/* Which build this process is of. */
#ifndef SUPPORT_BUILD_ID_H
#define SUPPORT_BUILD_ID_H

#include "support/sha256.h"

/* A hash of the builds of everything that is loaded: mmlc, LLVM, the C library, OpenBLAS. */
Digest build_id(void);

#endif
