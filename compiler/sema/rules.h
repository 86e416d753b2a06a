/* Private to policies and methods: a definition while it is bound to a stage. */
#ifndef SEMA_RULES_H
#define SEMA_RULES_H

#include "sema/values.h"

typedef struct {
    Sema       *s;
    const Decl *decl;
    Rule       *rule;
    Scope       formals;          /* what `requires` may read                           */
    Scope       scope;            /* that, and state                                    */
    Span        use;              /* where the stage names it                           */
    bool        unused;           /* checked on its own                                 */
    bool        has_probe;
    int         missing;          /* EventField bits that the probe doesn't measure     */
    int         words, most;      /* of the handler's locals: in use, at most           */
    int         statements;       /* made so far; loops are unrolled                    */
    Diagnostic *unmet;            /* the first requirement that doesn't hold             */
    int         handled;          /* bit for each event that has its handler            */
    Do         *start, **start_end;
    const Stage *stage;           /* methods: the stage at hand, or NULL                */
    Value      *regularizer;      /* methods: of `regularize`, or NULL                  */
} RuleBuilder;

/* Statements of the start handler, in order: requires, first values, on start. */
void rule_begin(RuleBuilder *r, Sema *s, const Decl *decl, bool unused);

/* Binds the call's arguments as settings PATH.name. False after a report. */
bool rule_bind(RuleBuilder *r, const Expr *call, const char *path);
/* Binds formals to values that nobody knows, for a definition checked on its own. */
void rule_bind_unknown(RuleBuilder *r);

/* Members that policies and methods share: requires, state, handlers. */
void rule_requires(RuleBuilder *r);
void rule_states(RuleBuilder *r);
void rule_handler(RuleBuilder *r, const Member *member);
/* Hands the rule over, its start handler complete. */
Rule *rule_finish(RuleBuilder *r);

/* The policy or method (is_method) that call names; NULL after a report, or where the program couldn't be read whole. */
const Decl *rule_find(Sema *s, const Expr *call, bool is_method);

/* Definitions that no stage uses (policies.c, methods.c). */
void policy_check(Sema *s, const Decl *policy);
void method_check(Sema *s, const Decl *method);

/* ---- Statements (statements.c) ---- */
void rule_statements(RuleBuilder *r, Scope *scope, const Stmt *stmts, Do **first);
Do  *rule_do(RuleBuilder *r, DoKind kind, Span span);
int  rule_local(RuleBuilder *r, Type type);

/* ---- Methods (hooks.c) ---- */

/* The first construct of a method that this version can't train with: what it is
 * ("`on gradients`"), and where. NULL: none. */
const char *method_hook(Sema *s, const Decl *method, Span *at);

#endif
