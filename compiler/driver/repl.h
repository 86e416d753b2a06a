/* `mmlc repl`: definitions, expressions and training at a prompt.
 *
 * Reads from a terminal with editing, history and completion, else plainly from
 * standard input. An input that is wrong leaves everything as it was. Ctrl-C ends what
 * runs and keeps the session. Returns EXIT_FINE; without a terminal EXIT_PROGRAM when an
 * input was wrong, 130 when a stop was asked for; the codes of a file that can't be loaded.
 */
#ifndef DRIVER_REPL_H
#define DRIVER_REPL_H

#include "driver/options.h"

int repl_command(const Options *options);

#endif
