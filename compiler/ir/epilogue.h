/* Gradients that a convolution's epilogue finishes: where the gradient through a
 * relu is taken of nothing but what a blocked convolution behind it passes back,
 * that convolution cuts it off itself (source_relu in mml/abi.def), and the
 * relu's own backward node goes. Forward, ir/layout.h fuses.
 */
#ifndef IR_EPILOGUE_H
#define IR_EPILOGUE_H

#include "ir/ir.h"

/* A pass over a built step, before memory_mark. */
void gradient_epilogues(Arena *arena, Step *step);

#endif
