/* The syntax tree, as written: no names resolved, no types.
 *
 * Every node has its span. Lists are linked through `next` in source order.
 * Types, properties and transforms are ordinary expressions here; sema reads
 * them by position.
 */
#ifndef SYNTAX_AST_H
#define SYNTAX_AST_H

#include "support/intern.h"
#include "support/source.h"

typedef struct Expr Expr;
typedef struct Arg  Arg;
typedef struct Stmt Stmt;
typedef struct Decl Decl;
typedef struct Property Property;

typedef enum {
    UNIT_NONE, UNIT_HZ, UNIT_KHZ, UNIT_S, UNIT_MS, UNIT_EPOCHS, UNIT_STEPS,
    UNIT_B, UNIT_KIB, UNIT_MIB, UNIT_GIB, UNIT_FPS, UNIT_PERCENT
} Unit;

typedef enum {
    EXPR_ERROR,       /* where recovery went on; report nothing about it         */
    EXPR_INT,         /* integer                                                 */
    EXPR_REAL,        /* real; `inf` is one                                      */
    EXPR_BOOL,        /* integer 0 or 1: `true`, `false`                         */
    EXPR_STRING,      /* parts                                                   */
    EXPR_NAME,        /* name                                                    */
    EXPR_CALL,        /* base(arguments)                                         */
    EXPR_INDEX,       /* base[arguments]                                         */
    EXPR_FIELD,       /* base.name                                               */
    EXPR_LABEL,       /* name: base                                              */
    EXPR_LIST,        /* [arguments] with an optional unit behind it             */
    EXPR_UNARY,       /* op base                                                 */
    EXPR_BINARY,      /* base op right (-> too)                                  */
    EXPR_IF,          /* if base then right else other                           */
    EXPR_EACH         /* name in over: base — `m in modalities: …` as an argument */
} ExprKind;

/* The parser reports deeper trees: a phase may recurse over an expression. */
enum { EXPR_DEPTH = 1000 };

typedef enum {
    OP_NEG, OP_NOT,
    OP_MUL, OP_DIV, OP_INTDIV, OP_MOD, OP_ADD, OP_SUB,
    OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_AND, OP_OR, OP_ARROW
} Op;

/* One piece of a string: literal text (expr NULL) or {expr}. */
typedef struct StringPart { struct StringPart *next; const char *text; size_t length; Expr *expr; Span span; } StringPart;

struct Arg {
    Arg   *next;
    Name   name;              /* NULL: positional        */
    Span   name_span;
    Expr  *value;
};

struct Expr {
    ExprKind    kind;
    Span        span;
    Op          op;
    Span        op_span;
    Unit        unit;         /* INT, REAL, LIST         */
    int64_t     integer;
    double      real;
    Name        name;
    Span        name_span;
    Expr       *base, *right, *other;
    Arg        *arguments;
    StringPart *parts;
    int         depth;        /* of the tree below, at most EXPR_DEPTH */
};

typedef enum {
    STMT_ERROR,
    STMT_LET,         /* let name[binder in over] = value       (index part optional)   */
    STMT_ASSIGN,      /* target = value                                                 */
    STMT_EXPR,        /* value: a call                                                  */
    STMT_IF,          /* if value { body } else { otherwise }                           */
    STMT_FOR,         /* for binder in over { body }                                    */
    STMT_RETURN,      /* return value                                                   */
    STMT_BLOCK        /* name { body } or name(value) { body }: trial { … }             */
} StmtKind;

struct Stmt {
    Stmt     *next;
    StmtKind  kind;
    Span      span;
    Name      name;    Span name_span;
    Name      binder;  Span binder_span;     /* NULL: none */
    Expr     *over;
    Expr     *target, *value;
    Stmt     *body, *otherwise;
};

/* A formal argument: name : type = value. */
typedef struct Formal { struct Formal *next; Name name; Span span; Expr *type, *value; const char *doc; } Formal;

/* A member of a policy's or method's body. */
typedef enum {
    MEMBER_ERROR,
    MEMBER_REQUIRES,  /* requires value                                                  */
    MEMBER_STATE,     /* state name[binder in over] : type = value; name[over] (binder NULL) too */
    MEMBER_WEIGHT,    /* weight name = value                                             */
    MEMBER_LET,       /* let name[binder in over] = value                                */
    MEMBER_PROPERTY,  /* loss = value, predict = value                                   */
    MEMBER_ON         /* on name(argument) { body }                                      */
} MemberKind;

typedef struct Member {
    struct Member *next;
    MemberKind     kind;
    Span           span;
    Name           name;      Span name_span;
    Name           binder;    Span binder_span;
    Name           argument;  Span argument_span;
    Expr          *over, *type, *value;
    Stmt          *body;
    const char    *doc;
} Member;

struct Property { Property *next; Name name; Span name_span, span; Expr *value; };

typedef enum {
    DECL_ERROR, DECL_USE, DECL_PARAM, DECL_DATA, DECL_MODALITY, DECL_TARGET, DECL_FUSION,
    DECL_TRAIN, DECL_STAGE, DECL_ENCODER, DECL_POLICY, DECL_METHOD
} DeclKind;

struct Decl {
    Decl       *next;
    DeclKind    kind;
    Span        span;              /* the whole definition                         */
    Name        name;              /* use: the module; one DECL_USE for each name  */
    Span        name_span;
    Expr       *type;              /* param, modality, target                      */
    Expr       *value;             /* param, data, target, fusion                  */
    Property   *properties;        /* modality, train, stage                       */
    Decl       *stages;            /* train                                        */
    Formal     *formals;           /* encoder, policy, method                      */
    Stmt       *body;              /* encoder                                      */
    Member     *members;           /* policy, method                               */
    const char *doc;               /* the comment above, or behind a param; or NULL */
};

typedef struct { const Source *source; Decl *decls; } File;

#endif
