/* Tokens, and what grammar/mml.y passes between its rules. */
#ifndef SYNTAX_TOKEN_H
#define SYNTAX_TOKEN_H

#include "syntax/ast.h"

typedef struct Parser Parser;

typedef struct { int64_t integer; double real; Unit unit; } Number;

/* Linked lists while they grow. */
typedef struct { StringPart *first, *last; } PartList;
typedef struct { Arg *first, *last; }      ArgList;
typedef struct { Stmt *first, *last; }     StmtList;
typedef struct { Formal *first, *last; }   FormalList;
typedef struct { Member *first, *last; }   MemberList;
typedef struct { Property *first, *last; } PropertyList;
typedef struct { PropertyList properties; Decl *stages, *last_stage; } TrainItems;
typedef struct { Name binder; Span binder_span; Expr *over; } Index;

#define LIST_ADD(list, item) do {                      \
        if ((list)->last) (list)->last->next = (item); \
        else (list)->first = (item);                   \
        (list)->last = (item);                         \
    } while (0)

typedef union {
    Name         name;
    Number       number;
    StringPart  *parts;
    Unit         unit;
    int          made_up;         /* of a closing bracket: of no known extent */
    Op           op;
    DeclKind     kind;
    Index        index;
    Expr        *expr;
    Stmt        *stmt;
    Member      *member;
    Property    *property;
    Formal      *formal;
    Decl        *decl;
    ArgList      args;
    StmtList     stmts;
    FormalList   formals;
    MemberList   members;
    PropertyList properties;
    TrainItems   items;
} TokenValue;

typedef struct {
    int        kind;              /* TOK_… of the generated grammar.h                          */
    int        made_up;           /* a bracket that the filter put in or reported: no error here */
    int        first_on_line;
    Span       span;              /* NEWLINE: empty where only `}` or the end follows          */
    TokenValue value;
} Token;

/* A comment, for documentation: its text without `#`. */
typedef struct { uint32_t begin, end; int line, alone; } Comment;

typedef VECTOR(Token)   TokenVector;
typedef VECTOR(Comment) CommentVector;
typedef VECTOR(uint32_t) FaultVector;        /* offsets of what is reported */

#endif
