/* The graph of one step: kernel calls in order of execution, in SSA form (a
 * tensor is written by one node), batch symbolic, with the memory each tensor
 * lives in. One graph for every kind of step of an experiment.
 *
 * Groups are those of mml/experiment.h: modality m, then the fusion; -1 is the
 * method's loss, which belongs to none.
 */
#ifndef IR_IR_H
#define IR_IR_H

#include <stdio.h>
#include "mml/branches.h"
#include "mml/experiment.h"
#include "sema/program.h"

typedef enum {
    KERNEL_NONE,
#define MML_KERNEL(name, scratch) KERNEL_##name,
#define MML_RULE(name, result, arguments)
#include "mml/abi.def"
#undef MML_KERNEL
#undef MML_RULE
    KERNEL_COUNT
} Kernel;

typedef enum {
#define IR_OP(kind, attributes, forward, operands, backward, backward_operands, saved, result) IR_##kind,
#include "ir/ops.def"
#undef IR_OP
    IR_OP_COUNT
} IrOp;

/* What SAMPLES and FIXED do with their operands: the operations of mml_samples. */
typedef enum {
    COMBINE_ADD, COMBINE_SUB, COMBINE_MUL, COMBINE_DIV, COMBINE_NEG, COMBINE_EXP, COMBINE_LOG
} Combination;

/* Rows of mml_pid_gradient, and what ATOM picks. */
typedef enum { ATOM_REDUNDANCY, ATOM_UNIQUE_FIRST, ATOM_UNIQUE_SECOND, ATOM_SYNERGY } Atom;

/* ---- Tensors ---- */

typedef enum {
    STORE_ARENA,
    STORE_INPUT,              /* frame->inputs[index]                                    */
    STORE_PARAMETER,          /* floats behind frame->parameters                         */
    STORE_GRADIENT,           /* floats behind frame->gradients                          */
    STORE_STATISTIC           /* floats behind frame->statistics                         */
} Store;

typedef struct {
    Store       store;
    int         fixed;        /* 1: size floats in all, 0: size floats for each sample   */
    int64_t     size;         /* of all frames                                           */
    int         index;        /* input: modality; parameter, gradient: parameter; statistic: statistic */
    int64_t     first;        /* outside the arena: offset in floats                     */
    int         group;        /* of its producer                                         */
    int         gate;         /* a gradient: of use only while this modality is active; -1: always */
    int         trained;      /* a parameter that learns stands behind it                */
    int         producer;     /* node, -1: none                                          */
    int         kept;         /* read by the caller after the step                       */
    int         alias;        /* tensor whose memory this one is, -1: its own            */
    int         begin, end;   /* nodes between which its memory is in use                */
    int64_t     offset;       /* in the arena, bytes: fixed, or for each sample of capacity */
} Tensor;

/* ---- Nodes ---- */

typedef enum {
    GUARD_NONE,
    GUARD_FORWARD,            /* frame->forward[group]                                   */
    GUARD_ACTIVE              /* frame->active[group] (and forward, in a unimodal step)  */
} Guard;

#define NODE_ATTRIBUTES 20
#define NODE_OPERANDS   20

typedef struct {
    IrOp         op;
    Kernel       kernel;
    int          backward;    /* the row's backward kernel                               */
    int          group;
    int64_t      frames;      /* rows of a sample that the kernel takes for a batch's: frames of a clip; else 1 */
    Guard        guard;
    int          attribute_count, operand_count;
    Attribute    attributes[NODE_ATTRIBUTES];
    int          operands[NODE_OPERANDS];      /* tensors in the kernel's order, -1: NULL */
    char         roles[NODE_OPERANDS + 1];     /* their letters of ops.def                */
    int          inputs[NODE_ATTRIBUTES], input_count;   /* of the operation (forward)    */
    int          factor;      /* attribute 1 is read from this fixed tensor when run; -1  */
    const Value *value;       /* NUMBER: evaluated when run, for `element`; NULL: constant */
    int          element;
    double       constant;
    const char  *name;        /* of the layer; NULL: not traced                          */
    int64_t      flops;       /* of one sample                                           */
    Span         span;
} Node;

/* ---- Branches ---- */

/* Neighbouring nodes of several modalities, none of which needs what another modality's have computed. */
typedef struct {
    int         begin, end;             /* nodes                                         */
    int         apart;                  /* 1: worth running side by side by enough threads; they share no memory then */
    int64_t     batch;                  /* that this was decided for                     */
    MmlBranches model;                  /* the branches in the nodes' order; run is NULL */
    int        *first;                  /* [count + 1] first node of each, end           */
} Region;

/* ---- Steps ---- */

/* The machine that kernels are chosen for. */
typedef struct {
    int                       block;    /* floats in a vector of its processor (codegen/target.h); 0: reference kernels only */
    const struct KernelTimes *times;    /* what was measured on it (ir/kernels.h); NULL: nothing */
} KernelHost;

typedef struct {
    const char     *name;               /* "train.joint", "train.joint evaluation"       */
    const Program  *program;
    int             unimodal, train;
    KernelHost      host;
    int             rewritten;          /* something runs in the blocked layout          */
    VECTOR(Tensor)  tensors;
    VECTOR(Node)    nodes;
    VECTOR(Region)  regions;            /* in the nodes' order                           */
    int64_t         batch;              /* of its stage, as far as it is known           */
    int             features[MML_MAX_MODALITIES];       /* tensors, -1: not computed     */
    int             logits[MML_MAX_MODALITIES + 1];     /* heads, then fused             */
    int             prediction;
    int             losses[MML_MAX_MODALITIES];         /* unimodal: each head's         */
    int             loss;                               /* joint                         */
    char           *reached;            /* [parameters]                                  */
    int64_t         fixed_bytes, sample_bytes, thread_bytes;
} Step;

typedef struct {
    const Program *program;
    VECTOR(Step *) steps;
    int           *train, *evaluate;    /* [stages] index into steps                     */
    int           *reference_train, *reference_evaluate;     /* the same on the reference kernels alone */
} Ir;

/* All passes, in the order of ir/pipeline.c. The program has no error in it.
 * host: of the processor that it is compiled for. */
Ir  *ir_build(Arena *arena, const Program *program, KernelHost host);
void ir_print(const Ir *ir, FILE *out);

/* Breaks off with mml_ice when a step is not well-formed. */
void ir_verify(const Step *step);

#endif
