/* The grammar of MML, for Bison 3.8: no conflicts, full LAC.
 *
 * What the token filter (compiler/syntax/filter.c) has done: line breaks inside
 * brackets and where a line goes on are gone, every statement ends with one
 * NEWLINE, also the last of a block, brackets are balanced, and words such as
 * `data` are tokens of their own only where a definition or property may start.
 *
 * Lists are left-recursive, so that long files need no deep stack. Recovery: an
 * error gives up as little as it can: the inside of a pair of brackets, the head of
 * a block (its body is read all the same), or one statement.
 */
%require "3.8"
%define api.pure full
%define api.push-pull both
%define api.token.prefix {TOK_}
%define api.location.type {Span}
%define api.value.type {TokenValue}
%define parse.lac full
%define parse.error custom
%locations
%param {Parser *p}

%code requires {
    #include "syntax/token.h"
}

%code {
    #include "syntax/build.h"
    #include "syntax/syntax_error.h"

    #define YYLLOC_DEFAULT(current, right, count) do {                                        \
            if (count) (current) = span_join(YYRHSLOC(right, 1), YYRHSLOC(right, count));     \
            else { (current) = YYRHSLOC(right, 0); (current).begin = (current).end; }         \
        } while (0)

    static int  yylex(TokenValue *value, Span *span, Parser *p) { return parser_token(p, value, span); }
    static void yyerror(const Span *span, Parser *p, const char *text);
}

%token START_FILE START_EXPRESSION
%token NEWLINE "the end of the line" SEMICOLON "`;`"
%token NAME "a name" INTEGER "a number" REAL "a real number" STRING "a text" LIST_UNIT "a unit"
%token OPEN "`(`" CLOSE "`)`" OPEN_LIST "`[`" CLOSE_LIST "`]`" OPEN_BLOCK "`{`" CLOSE_BLOCK "`}`"
%token COMMA "`,`" COLON "`:`" DOT "`.`" ASSIGN "`=`" ARROW "`->`"
%token PLUS "`+`" MINUS "`-`" STAR "`*`" SLASH "`/`" INTDIV "`div`" MOD "`mod`"
%token EQ "`==`" NE "`!=`" LT "`<`" LE "`<=`" GT "`>`" GE "`>=`" AND "`and`" OR "`or`" NOT "`not`"
%token LET "`let`" RETURN "`return`" IF "`if`" THEN "`then`" ELSE "`else`" FOR "`for`" IN "`in`" TRUE "`true`" FALSE "`false`"
%token USE "`use`" PARAM "`param`" DATA "`data`" MODALITY "`modality`" TARGET "`target`" FUSION "`fusion`" TRAIN "`train`"
%token STAGE "`stage`" ENCODER "`encoder`" POLICY "`policy`" METHOD "`method`"
%token STATE "`state`" WEIGHT "`weight`" ON "`on`" REQUIRES "`requires`"
%token YYEOF 0 "the end of the file"

%type <name>       NAME
%type <number>     INTEGER REAL
%type <parts>      STRING
%type <made_up>    CLOSE CLOSE_LIST
%type <unit>       LIST_UNIT
%type <op>         compare add multiply
%type <expr>       expr arrow or and comparison sum product unary labelled postfix primary list type_opt value_opt
%type <args>       args args_some
%type <expr>       over
%type <stmts>      stmts block
%type <stmt>       stmt chain
%type <index>      index
%type <properties> properties
%type <property>   property
%type <items>      train_items
%type <formals>    formals formals_some
%type <formal>     formal
%type <members>    members
%type <member>     member
%type <decl>       stage definition
%type <kind>       rule

%%

input
    : START_FILE lines
    | START_EXPRESSION expr NEWLINE           { p->result = $2; }
    | START_EXPRESSION broken NEWLINE
    ;

/* ---- Definitions ---- */

lines
    : %empty
    | lines USE names NEWLINE
    | lines USE broken NEWLINE                { yyerrok; }
    | lines definition NEWLINE                { build_add_decl(p, $2); }
    | lines broken NEWLINE                    { yyerrok; }
    ;

names
    : NAME                                    { build_add_decl(p, build_decl(p, DECL_USE, $1, @1, @1)); }
    | names COMMA NAME                        { build_add_decl(p, build_decl(p, DECL_USE, $3, @3, @3)); }
    ;

definition
    : PARAM NAME type_opt value_opt           { $$ = build_decl(p, DECL_PARAM, $2, @2, @$); $$->type = $3; $$->value = $4; }
    | DATA NAME ASSIGN expr                   { $$ = build_decl(p, DECL_DATA, $2, @2, @$); $$->value = $4; }
    | TARGET NAME COLON postfix ASSIGN expr   { $$ = build_decl(p, DECL_TARGET, $2, @2, @$); $$->type = $4; $$->value = $6; }
    | FUSION ASSIGN expr                      { $$ = build_decl(p, DECL_FUSION, NULL, @1, @$); $$->value = $3; }
    | MODALITY NAME COLON postfix OPEN_BLOCK properties CLOSE_BLOCK
                                              { $$ = build_decl(p, DECL_MODALITY, $2, @2, @$); $$->type = $4; $$->properties = $6.first; }
    | TRAIN OPEN_BLOCK train_items CLOSE_BLOCK
                                              { $$ = build_decl(p, DECL_TRAIN, NULL, @1, @$); $$->properties = $3.properties.first; $$->stages = $3.stages; }
    | ENCODER NAME formals block              { $$ = build_decl(p, DECL_ENCODER, $2, @2, @$); $$->formals = $3.first; $$->body = $4.first; }
    | rule NAME formals OPEN_BLOCK members CLOSE_BLOCK
                                              { $$ = build_decl(p, $1, $2, @2, @$); $$->formals = $3.first; $$->members = $5.first; }
    | PARAM NAME broken                       { $$ = build_decl(p, DECL_PARAM, $2, @2, @$); $$->value = build_error(p, @3); yyerrok; }
    | DATA NAME broken                        { $$ = build_decl(p, DECL_DATA, $2, @2, @$); $$->value = build_error(p, @3); yyerrok; }
    | PARAM broken                            { $$ = build_decl(p, DECL_ERROR, NULL, @1, @$); yyerrok; }
    | DATA broken                             { $$ = build_decl(p, DECL_ERROR, NULL, @1, @$); yyerrok; }
    | TARGET broken                           { $$ = build_decl(p, DECL_ERROR, NULL, @1, @$); yyerrok; }
    | FUSION broken                           { $$ = build_decl(p, DECL_ERROR, NULL, @1, @$); yyerrok; }
    | MODALITY error                          { $$ = build_decl(p, DECL_ERROR, NULL, @1, @$); yyerrok; }
    | MODALITY error OPEN_BLOCK { yyerrok; } properties CLOSE_BLOCK { $$ = build_decl(p, DECL_ERROR, NULL, @1, @$); }
    | TRAIN error                             { $$ = build_decl(p, DECL_ERROR, NULL, @1, @$); yyerrok; }
    | TRAIN error OPEN_BLOCK { yyerrok; } train_items CLOSE_BLOCK   { $$ = build_decl(p, DECL_ERROR, NULL, @1, @$); }
    | ENCODER error                           { $$ = build_decl(p, DECL_ERROR, NULL, @1, @$); yyerrok; }
    | ENCODER error block                     { $$ = build_decl(p, DECL_ERROR, NULL, @1, @$); }
    | rule error                              { $$ = build_decl(p, DECL_ERROR, NULL, @1, @$); yyerrok; }
    | rule error OPEN_BLOCK { yyerrok; } members CLOSE_BLOCK        { $$ = build_decl(p, DECL_ERROR, NULL, @1, @$); }
    ;

rule
    : POLICY                                  { $$ = DECL_POLICY; }
    | METHOD                                  { $$ = DECL_METHOD; }
    ;

type_opt
    : %empty                                  { $$ = NULL; }
    | COLON postfix                           { $$ = $2; }
    ;

value_opt
    : %empty                                  { $$ = NULL; }
    | ASSIGN expr                             { $$ = $2; }
    ;

formals
    : OPEN CLOSE                              { $$ = (FormalList){0}; }
    | OPEN formals_some CLOSE                 { $$ = $2; }
    | OPEN formals_some COMMA CLOSE           { $$ = $2; }
    | OPEN broken CLOSE                       { $$ = (FormalList){0}; yyerrok; }
    ;

formals_some
    : formal                                  { $$ = (FormalList){0}; LIST_ADD(&$$, $1); }
    | formals_some COMMA formal               { $$ = $1; LIST_ADD(&$$, $3); }
    ;

formal
    : NAME type_opt value_opt                 { $$ = build_formal(p, $1, @1, $2, $3); }
    | NAME broken_value                       { $$ = build_formal(p, $1, @1, NULL, build_error(p, @2)); yyerrok; }
    ;

/* ---- Blocks of properties ---- */

properties
    : %empty                                  { $$ = (PropertyList){0}; }
    | properties property NEWLINE             { $$ = $1; LIST_ADD(&$$, $2); }
    | properties broken NEWLINE               { yyerrok; }
    ;

property
    : NAME ASSIGN expr                        { $$ = build_property(p, $1, @1, $3, @$); }
    | NAME ASSIGN broken                      { $$ = build_property(p, $1, @1, build_error(p, @3), @$); yyerrok; }
    | NAME broken                             { $$ = build_property(p, $1, @1, build_error(p, @2), @$); yyerrok; }
    ;

train_items
    : %empty                                  { $$ = (TrainItems){0}; }
    | train_items property NEWLINE            { $$ = $1; LIST_ADD(&$$.properties, $2); }
    | train_items stage NEWLINE               { $$ = $1; if ($$.last_stage) $$.last_stage->next = $2; else $$.stages = $2; $$.last_stage = $2; }
    | train_items broken NEWLINE              { yyerrok; }
    ;

stage
    : STAGE NAME OPEN_BLOCK properties CLOSE_BLOCK
                                              { $$ = build_decl(p, DECL_STAGE, $2, @2, @$); $$->properties = $4.first; }
    | STAGE error                             { $$ = build_decl(p, DECL_ERROR, NULL, @1, @$); yyerrok; }
    | STAGE error OPEN_BLOCK { yyerrok; } properties CLOSE_BLOCK    { $$ = build_decl(p, DECL_ERROR, NULL, @1, @$); }
    ;

/* ---- Bodies of policies and methods ---- */

members
    : %empty                                  { $$ = (MemberList){0}; }
    | members member NEWLINE                  { $$ = $1; LIST_ADD(&$$, $2); }
    | members broken NEWLINE                  { yyerrok; }
    ;

member
    : REQUIRES expr                           { $$ = build_member(p, MEMBER_REQUIRES, NULL, @1, @$); $$->value = $2; }
    | STATE NAME type_opt value_opt           { $$ = build_member(p, MEMBER_STATE, $2, @2, @$); $$->type = $3; $$->value = $4; }
    | STATE NAME index type_opt value_opt
        {
            $$ = build_member(p, MEMBER_STATE, $2, @2, @$);
            $$->binder = $3.binder; $$->binder_span = $3.binder_span; $$->over = $3.over;
            $$->type = $4; $$->value = $5;
        }
    | STATE NAME OPEN_LIST expr CLOSE_LIST type_opt value_opt
                                              { $$ = build_member(p, MEMBER_STATE, $2, @2, @$); $$->over = $4; $$->type = $6; $$->value = $7; }
    | WEIGHT NAME ASSIGN expr                 { $$ = build_member(p, MEMBER_WEIGHT, $2, @2, @$); $$->value = $4; }
    | LET NAME ASSIGN expr                    { $$ = build_member(p, MEMBER_LET, $2, @2, @$); $$->value = $4; }
    | LET NAME index ASSIGN expr
        {
            $$ = build_member(p, MEMBER_LET, $2, @2, @$);
            $$->binder = $3.binder; $$->binder_span = $3.binder_span; $$->over = $3.over;
            $$->value = $5;
        }
    | NAME ASSIGN expr                        { $$ = build_member(p, MEMBER_PROPERTY, $1, @1, @$); $$->value = $3; }
    | STATE NAME broken                       { $$ = build_member(p, MEMBER_STATE, $2, @2, @$); $$->value = build_error(p, @3); yyerrok; }
    | LET NAME broken                         { $$ = build_member(p, MEMBER_LET, $2, @2, @$); $$->value = build_error(p, @3); yyerrok; }
    | NAME broken                             { $$ = build_member(p, MEMBER_PROPERTY, $1, @1, @$); $$->value = build_error(p, @2); yyerrok; }
    | ON NAME block                           { $$ = build_member(p, MEMBER_ON, $2, @2, @$); $$->body = $3.first; }
    | ON NAME OPEN NAME CLOSE block
                                              { $$ = build_member(p, MEMBER_ON, $2, @2, @$); $$->argument = $4; $$->argument_span = @4; $$->body = $6.first; }
    | ON error                                { $$ = build_member(p, MEMBER_ERROR, NULL, @1, @$); yyerrok; }
    | ON error block                          { $$ = build_member(p, MEMBER_ERROR, NULL, @1, @$); }
    ;

index
    : OPEN_LIST NAME IN over CLOSE_LIST       { $$ = (Index){.binder = $2, .binder_span = @2, .over = $4}; }
    ;

/* ---- Statements ---- */

block
    : OPEN_BLOCK { yyerrok; } stmts CLOSE_BLOCK { $$ = $3; }
    ;

stmts
    : %empty                                  { $$ = (StmtList){0}; }
    | stmts stmt NEWLINE                      { $$ = $1; LIST_ADD(&$$, $2); }
    | stmts broken NEWLINE                    { yyerrok; }
    ;

stmt
    : LET NAME ASSIGN expr
        {
            $$ = build_stmt(p, STMT_LET, @$);
            $$->name = $2; $$->name_span = @2; $$->value = $4;
        }
    | LET NAME index ASSIGN expr
        {
            $$ = build_stmt(p, STMT_LET, @$);
            $$->name = $2; $$->name_span = @2; $$->value = $5;
            $$->binder = $3.binder; $$->binder_span = $3.binder_span; $$->over = $3.over;
        }
    | LET NAME broken
        {
            $$ = build_stmt(p, STMT_LET, @$);
            $$->name = $2; $$->name_span = @2; $$->value = build_error(p, @3);
            yyerrok;
        }
    | RETURN broken                           { $$ = build_stmt(p, STMT_RETURN, @$); $$->value = build_error(p, @2); yyerrok; }
    | RETURN expr                             { $$ = build_stmt(p, STMT_RETURN, @$); $$->value = $2; }
    | chain
    | chain ELSE block                        { $$ = $1; build_else(p, $$, NULL, $3.first, span_join(@2, @3)); }
    | FOR NAME IN over block
        {
            $$ = build_stmt(p, STMT_FOR, @$);
            $$->binder = $2; $$->binder_span = @2; $$->over = $4; $$->body = $5.first;
        }
    | arrow                                   { $$ = build_expr_stmt(p, $1, @$); }
    | arrow ASSIGN expr                       { $$ = build_assign(p, $1, $3, @$); }
    | arrow block                             { $$ = build_block_stmt(p, $1, $2.first, @$); }
    | IF error                                { $$ = build_stmt(p, STMT_ERROR, @$); yyerrok; }
    | FOR error                               { $$ = build_stmt(p, STMT_ERROR, @$); yyerrok; }
    | FOR error block                         { $$ = build_stmt(p, STMT_ERROR, @$); }
    ;

chain
    : IF expr block                           { $$ = build_stmt(p, STMT_IF, @$); $$->value = $2; $$->body = $3.first; }
    | IF error block                          { $$ = build_stmt(p, STMT_ERROR, @$); }
    | chain ELSE IF expr block                { $$ = $1; build_else(p, $$, $4, $5.first, span_join(@2, @5)); }
    | chain ELSE IF error block               { $$ = $1; }
    ;

/* ---- Expressions, loosest first ---- */

expr
    : arrow
    | IF expr THEN expr ELSE expr             { $$ = build_if(p, $2, $4, $6, @$); }
    ;

arrow
    : or
    | arrow ARROW or                          { $$ = build_binary(p, $1, OP_ARROW, @2, $3, @$); }
    ;

or
    : and
    | or OR and                               { $$ = build_binary(p, $1, OP_OR, @2, $3, @$); }
    ;

and
    : comparison
    | and AND comparison                      { $$ = build_binary(p, $1, OP_AND, @2, $3, @$); }
    ;

comparison
    : sum
    | sum compare sum                         { $$ = build_binary(p, $1, $2, @2, $3, @$); }
    ;

compare
    : EQ { $$ = OP_EQ; } | NE { $$ = OP_NE; } | LT { $$ = OP_LT; } | LE { $$ = OP_LE; } | GT { $$ = OP_GT; } | GE { $$ = OP_GE; }
    ;

sum
    : product
    | sum add product                         { $$ = build_binary(p, $1, $2, @2, $3, @$); }
    ;

add
    : PLUS { $$ = OP_ADD; } | MINUS { $$ = OP_SUB; }
    ;

product
    : unary
    | product multiply unary                  { $$ = build_binary(p, $1, $2, @2, $3, @$); }
    ;

multiply
    : STAR { $$ = OP_MUL; } | SLASH { $$ = OP_DIV; } | INTDIV { $$ = OP_INTDIV; } | MOD { $$ = OP_MOD; }
    ;

unary
    : labelled
    | MINUS unary                             { $$ = build_unary(p, OP_NEG, @1, $2, @$); }
    | NOT unary                               { $$ = build_unary(p, OP_NOT, @1, $2, @$); }
    ;

labelled
    : postfix
    | NAME COLON labelled                     { $$ = build_label(p, $1, @1, $3, @$); }
    ;

postfix
    : primary
    | postfix OPEN args CLOSE                 { $$ = $4 ? build_error(p, @$) : build_call(p, $1, $3, @$); }
    | postfix OPEN_LIST args CLOSE_LIST       { $$ = $4 ? build_error(p, @$) : build_index(p, $1, $3, @$); }
    | postfix DOT NAME                        { $$ = build_field(p, $1, $3, @3, @$); }
    ;

primary
    : NAME                                    { $$ = build_name(p, $1, @$); }
    | IN                                      { $$ = build_name(p, intern_text(p->names, "in"), @$); }     /* in.channels, fan = in */
    | INTEGER                                 { $$ = build_integer(p, $1, @$); }
    | REAL                                    { $$ = build_real(p, $1, @$); }
    | STRING                                  { $$ = build_string(p, $1, @$); }
    | TRUE                                    { $$ = build_bool(p, 1, @$); }
    | FALSE                                   { $$ = build_bool(p, 0, @$); }
    | OPEN expr CLOSE                         { $$ = $3 ? build_error(p, @$) : build_parentheses($2, @$); }
    | OPEN broken CLOSE                       { $$ = build_error(p, @$); yyerrok; }
    | list
    | list LIST_UNIT                          { $$ = build_list_unit($1, $2, @$); }
    ;

/* By itself, so that a list is a list before what comes behind it is looked at: an error there
 * must not be taken for one between its brackets. */
list
    : OPEN_LIST args CLOSE_LIST               { $$ = $3 ? build_error(p, @$) : build_list(p, $2, @$); }
    ;

args
    : %empty                                  { $$ = (ArgList){0}; }
    | args_some
    | args_some COMMA
    | broken                                  { $$ = (ArgList){0}; Arg *arg = build_arg(p, NULL, @1, build_error(p, @1)); LIST_ADD(&$$, arg); yyerrok; }
    ;

args_some
    : expr                                    { $$ = (ArgList){0}; Arg *arg = build_arg(p, NULL, @1, $1); LIST_ADD(&$$, arg); }
    | NAME ASSIGN expr                        { $$ = (ArgList){0}; Arg *arg = build_arg(p, $1, @1, $3); LIST_ADD(&$$, arg); }
    | THEN ASSIGN expr                        { $$ = (ArgList){0}; Arg *arg = build_arg(p, intern_text(p->names, "then"), @1, $3); LIST_ADD(&$$, arg); }
    | NAME IN over COLON expr
        {
            $$ = (ArgList){0};
            Arg *arg = build_arg(p, NULL, @1, build_each(p, $1, @1, $3, $5, @$));
            LIST_ADD(&$$, arg);
        }
    | args_some COMMA expr                    { $$ = $1; Arg *arg = build_arg(p, NULL, @3, $3); LIST_ADD(&$$, arg); }
    | args_some COMMA NAME ASSIGN expr        { $$ = $1; Arg *arg = build_arg(p, $3, @3, $5); LIST_ADD(&$$, arg); }
    | args_some COMMA THEN ASSIGN expr        { $$ = $1; Arg *arg = build_arg(p, intern_text(p->names, "then"), @3, $5); LIST_ADD(&$$, arg); }
    | args_some COMMA NAME IN over COLON expr
        {
            $$ = $1;
            Arg *arg = build_arg(p, NULL, @3, build_each(p, $3, @3, $5, $7, span_join(@3, @7)));
            LIST_ADD(&$$, arg);
        }
    ;

/* No label here: its `:` would be the one that follows. */
over
    : postfix
    ;

/* ---- What is given up after an error ---- */

broken
    : error
    | error bracketed flat
    ;

/* Up to the next comma or closing bracket. The second form keeps Bison from reducing
 * before it has skipped what can't follow. */
broken_value
    : error
    | error bracketed
    ;

flat
    : %empty
    | flat plain
    | flat bracketed
    ;

bracketed
    : OPEN skipped CLOSE
    | OPEN_LIST skipped CLOSE_LIST
    | OPEN_BLOCK skipped CLOSE_BLOCK
    ;

skipped
    : %empty
    | skipped plain
    | skipped NEWLINE
    | skipped bracketed
    ;

plain
    : SEMICOLON | NAME | INTEGER | REAL | STRING | LIST_UNIT
    | COMMA | COLON | DOT | ASSIGN | ARROW | PLUS | MINUS | STAR | SLASH | INTDIV | MOD | EQ | NE | LT | LE | GT | GE
    | AND | OR | NOT | LET | RETURN | IF | THEN | ELSE | FOR | IN | TRUE | FALSE
    | USE | PARAM | DATA | MODALITY | TARGET | FUSION | TRAIN | STAGE | ENCODER | POLICY | METHOD
    | STATE | WEIGHT | ON | REQUIRES
    ;

%%

static void yyerror(const Span *span, Parser *p, const char *text) {
    (void)text;                                   /* only "memory exhausted": syntax errors are reported below */
    syntax_error_too_deep(p, *span);
}

static int yyreport_syntax_error(const yypcontext_t *context, Parser *p) {
    yysymbol_kind_t expected[YYNTOKENS];
    int count = yypcontext_expected_tokens(context, expected, YYNTOKENS);
    TokenSet set = {{0}};
    for (int kind = TOK_START_FILE; kind <= TOK_REQUIRES; kind++)
        for (int i = 0; i < count; i++)
            if (YYTRANSLATE(kind) == (int)expected[i]) token_set_add(&set, kind);
    syntax_error(p, &set);
    return 0;
}

const char *token_text(int kind) { return yysymbol_name(YYTRANSLATE(kind)); }
