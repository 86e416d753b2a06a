/* A trainer's command line. One table holds every option; --help, parsing and
 * suggestions read it. Params of the program are options too. */
#ifndef TRAIN_OPTIONS_H
#define TRAIN_OPTIONS_H

#include <stdio.h>
#include "mml/settings.h"

typedef struct {
    const char *program;              /* argv[0]                                       */
    int         argc;
    char      **argv;
    i64         threads;              /* 0: the CPUs the process may use               */
    const char *kernels;              /* fast, reference; NULL: not given (fast)       */
    const char *out, *resume, *eval, *init, *predict, *cache;
    i64         cache_limit;          /* bytes, 0: not given                           */
    const char *until;                /* the stage before which the run stops          */
    const char **sweep;               /* [sweep_count] PATH=LIST                       */
    i64         sweep_count, jobs;    /* jobs 0: as many as there are CPUs             */
    int         check, overfit_batch, quiet, json, help, version;
} MmlCall;

/* Reads argv into call and into settings (params, --set, --seed), which are
 * marked given. Fails with MML_ECALL. */
Status mml_options_parse(int argc, char **argv, MmlSettings *settings, MmlCall *call);

/* Every option with type, range and default. */
Status mml_options_help(FILE *stream, const MmlExperiment *experiment, const char *program, MmlArena *arena);

/* Program, hash, compiler, flags, runtime. */
void mml_options_version(FILE *stream, const MmlExperiment *experiment);

#define MML_RUNTIME_VERSION "0.1.0"

#endif
