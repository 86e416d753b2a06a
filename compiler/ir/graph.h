/* Adding tensors and nodes to a step. Shared by the passes that build it. */
#ifndef IR_GRAPH_H
#define IR_GRAPH_H

#include "ir/ir.h"

typedef struct {
    Arena         *arena;
    const Program *program;
    Step          *step;
    int           *parameters;          /* tensor of each parameter, -1: none yet        */
    int            modalities;
} Builder;

Builder builder_new(Arena *arena, const Program *program, Step *step);

/* One operation on tensors of the step. */
typedef struct {
    IrOp             op;
    const Attribute *attributes;
    int              input_count;
    const int       *inputs;            /* -1: absent                                    */
    int              parameters[2];     /* tensors, -1: none                             */
    int              statistics[2];     /* indices of the program's, -1: none            */
    int              fixed;             /* form of the result where the row leaves it open */
    int64_t          size;              /* of one frame                                  */
    int64_t          frames;            /* see Node; 0: 1                                */
    int              group;
    int              factor;            /* see Node; -1: none                            */
    const char      *name;
    int64_t          flops;
    Span             span;
} Operation;

/* Adds a node (or finds an equal one of the same group -1) and returns its result y. */
int graph_apply(Builder *b, const Operation *operation);

int graph_tensor(Builder *b, Tensor tensor);            /* alias, producer, begin, end set here */
int graph_arena(Builder *b, int fixed, int64_t size, int group);
int graph_input(Builder *b, int modality);
int graph_parameter(Builder *b, int parameter);
/* A view of a parameter from a column on: W[:, column …]. */
int graph_column(Builder *b, int parameter, int64_t column);
/* The operand p of an operation's kernel, -1: it has none. */
int graph_temporary(Builder *b, IrOp op, const Attribute *attributes, int group);
Node *graph_node(Builder *b, IrOp op, int group);       /* empty, guarded for its group   */
void  node_operand(Node *node, char role, int tensor);
int   node_role(const Node *node, char role);           /* tensor, -1: NULL or absent     */
int   graph_readers(const Step *step, int t);           /* operands that read t           */
Node *graph_writer(const Step *step, int t);            /* NULL: no node writes it        */

/* Fixed floats: constants, values computed by the program's rules, arithmetic. */
int graph_constant(Builder *b, double constant);
int graph_number(Builder *b, const Value *value, int element);
int graph_fixed(Builder *b, Combination operation, int x, int z);

/* x without gradient: the same memory. */
int graph_stop(Builder *b, int x);

/* The layers of a network on inputs[]; returns the result. prefix: "encoder.gray". */
int graph_network(Builder *b, const Network *network, const int *inputs, int group, const char *prefix);

#endif
