#include "mml/base.h"

#include <signal.h>

static volatile sig_atomic_t asked;
static int solves;

void mml_stop_ask(void)    { asked = 1; }
int  mml_stop_asked(void)  { return asked != 0; }
void mml_stop_forget(void) { asked = 0; }

void mml_solves_stop(int can) { solves = can; }
int  mml_solve_stopped(void)  { return solves && asked; }
