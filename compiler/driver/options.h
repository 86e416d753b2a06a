/* The command line: one row of a table for each option. */
#ifndef DRIVER_OPTIONS_H
#define DRIVER_OPTIONS_H

#include <stdio.h>
#include "sema/program.h"

typedef enum { COMMAND_BUILD, COMMAND_RUN, COMMAND_CHECK, COMMAND_EXPLAIN, COMMAND_PID, COMMAND_FMT, COMMAND_REPL } CommandId;
typedef enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } Color;
typedef enum { RESULT_EXECUTABLE, RESULT_TOKENS, RESULT_AST, RESULT_IR, RESULT_LLVM, RESULT_ASM, RESULT_OBJ } Result;

typedef struct {
    CommandId    command;
    const char  *operand;             /* FILE.mml or a code; NULL: not given            */
    const char  *output;              /* -o, or NULL                                    */
    const char  *cpu;
    const char  *cache;               /* --cache, or NULL                               */
    Result       emit;
    Color        color;
    int          optimize;
    int          debug, time, json, explain, data, static_blas, tune, check, help, version;
    VECTOR(Define)       defines, sets;
    VECTOR(const char *) include, files;        /* files: the operands of fmt             */
    char       **rest;                /* behind `--`: the trainer's, NULL-terminated    */
    int          rest_count;
} Options;

/* Reads argv. Returns EXIT_FINE, or EXIT_CALL after a message. The command `pid` has a
 * command line of its own: only its name is read. */
int options_read(Arena *arena, int argc, char **argv, Options *out);

/* --help: of a command, or of mmlc (COMMAND_BUILD). */
void options_help(CommandId command, FILE *out);

/* Are diagnostics coloured, by --color, the terminal and NO_COLOR? */
int options_colored(const Options *options);

/* The options that change the code, in one form whatever the call: "-O2 --target-cpu=native -D half=10". */
const char *options_flags(Arena *arena, const Options *options);

#endif
