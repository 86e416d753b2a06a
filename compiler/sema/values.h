/* Private to the typing of values: how types meet, and how typed values are
 * made. Every function that returns a Value returns one of TYPE_ERROR after a
 * report, and says nothing about operands that are TYPE_ERROR already.
 */
#ifndef SEMA_VALUES_H
#define SEMA_VALUES_H

#include "sema/sema.h"

/* ---- Types (types.c) ---- */

#define SCALAR(k) ((Type){.kind = (k)})
#define EACH(k)   ((Type){.kind = (k), .each = 1})

/* The type both convert to: equal types, int with real or epochs, string with path. */
bool type_unify(TypeKind a, TypeKind b, TypeKind *out);
bool type_number(TypeKind kind);       /* int, real and everything with a unit         */
bool type_unit(TypeKind kind);         /* time, frequency, epochs … share              */
bool type_wide(TypeKind kind);         /* logits, feature, probabilities: [batch, width] */
bool type_tensor(TypeKind kind);       /* these, soft, samples, label, loss: a loss's own */
Type type_element(Type type);          /* without each                                 */

/* "an int", "a real[modalities]": a type in a sentence. */
const char *type_article(Arena *arena, Type type);
/* "an int is needed", "epochs are needed" */
const char *type_needed(Arena *arena, Type type);

/* ---- Making values (values.c) ---- */

Value *value_new(Sema *s, ValueKind kind, Type type, Span span);
Value *value_error(Sema *s, Span span);
Value *value_with(Sema *s, ValueKind kind, Type type, Span span, int count, Value *const *operands);
Value *value_call(Sema *s, Function function, Type type, Span span, int count, Value *const *operands);
Value *value_binary(Sema *s, Op op, Type type, Span span, Value *left, Value *right);

/* Modality m's share of value: of an each value its element (out of a VALUE_EACH
 * where it is one), else the value itself. */
Value *value_share(Sema *s, Value *value, int modality);

/* Converts, or reports that it can't (E0301). */
Value *value_convert(Sema *s, Value *value, Type expected);
bool   value_wrong(const Value *value);                 /* TYPE_ERROR */

/* The M values of body with binder standing for each modality in turn; over must
 * be `modalities`. */
Value *value_comprehension(Sema *s, const Scope *scope, Name binder, Span binder_span, const Expr *over,
                           const Expr *body, Type expected, Span span);

/* ---- Literals and strings (units.c, strings.c) ---- */
Value *literal_value(Sema *s, const Expr *expr);
/* An int literal that stands under a list's unit: [1, 5] epochs. */
Value *literal_with_unit(Sema *s, Value *value, Unit unit);
Value *string_value(Sema *s, const Scope *scope, const Expr *expr);

/* ---- Operators, functions, tensors (operators.c, functions.c, losses.c) ---- */
Value *unary_value(Sema *s, const Expr *expr, Value *operand);
Value *binary_value(Sema *s, const Expr *expr, Value *left, Value *right);
Value *if_value(Sema *s, const Scope *scope, const Expr *expr, Type expected);
Value *function_value(Sema *s, const Scope *scope, const Expr *expr, Type expected);
/* names[…] of every function of value position; returns how many. */
int    function_names(const char **names, int capacity);

/* joint, label; head[m], split[m], feature[m]; operators and functions on tensors.
 * The first three return NULL when the expression isn't theirs. */
Value *loss_name(Sema *s, const Scope *scope, const Expr *expr);
Value *loss_index(Sema *s, const Scope *scope, const Expr *expr);
Value *loss_function(Sema *s, const Scope *scope, const Expr *expr);
Value *loss_unary(Sema *s, const Expr *expr, Value *operand);
Value *loss_binary(Sema *s, const Expr *expr, Value *left, Value *right);
Value *loss_function_of(Sema *s, Function function, const Expr *call, int count, Value **operands);

/* ---- Soft assignments (soft.c) ---- */

/* soft(…), synergy(…), unique(…), redundancy(…); NULL when the call is none of them. */
Value *soft_function(Sema *s, const Scope *scope, const Expr *expr);

/* ---- Scopes (scope.c) ---- */
const Binding *scope_find(const Scope *scope, Name name);
Place          scope_place(const Scope *scope);
const Scope   *scope_event(const Scope *scope);         /* the innermost with an event, or NULL */
bool           scope_unused(const Scope *scope);
/* Adds a binding; reports one that hides another of the same position (E0315). */
void           scope_bind(Sema *s, Scope *scope, Name name, Span span, Value *value);
/* An argument of a definition: it may have a param's name, so that definitions can move. */
void           scope_bind_formal(Sema *s, Scope *scope, Name name, Span span, Value *value);
/* Whether the experiment's own names (params, modalities) mean something here: not
 * in the definitions of a module. */
bool           scope_sees_file(const Scope *scope);
/* Every name that means a value here, for "did you mean"; returns how many. */
int            scope_names(Sema *s, const Scope *scope, const char ***names);
/* What a name of the experiment's file is: "param", "modality", or NULL. */
const char    *file_name_kind(Sema *s, Name name);
/* After errors of syntax: does the file name it where it could not be read? */
bool           name_was_lost(const Sema *s, Name name);
Value         *name_value(Sema *s, const Scope *scope, const Expr *expr);
Value         *field_value(Sema *s, const Scope *scope, const Expr *expr);

/* ---- Folding (fold.c) ---- */
/* As value_fold, but silent, and nothing becomes FIXED. */
bool value_peek(Sema *s, const Value *value, Value *out);
/* Reports an operation on literals that has no result (division by zero, overflow). */
Value *value_checked(Sema *s, Value *value);
/* Does it read anything that only a running program knows: state, fields, locals, active? */
bool value_reads_run(const Value *value);

/* Words, functions and fields are interned names: compare by text. */
bool is_name(const Expr *expr, const char *text);
/* "did you mean `x`?" when something is near. */
void help_nearest(Sema *s, Diagnostic *to, const char *name, const char *const *names, int count);
/* expr as it stands in its source. */
const char *source_slice(Arena *arena, Span span);

#endif
