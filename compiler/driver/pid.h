/* `mmlc pid FILE`: decomposes a distribution or samples.
 *
 * argv[0] is "pid". Writes results to standard output, one error to standard
 * error; returns the exit code: 0 fine, 1 no certified answer, 2 wrong call,
 * 3 the input can't be used.
 */
#ifndef DRIVER_PID_H
#define DRIVER_PID_H

int pid_command(int argc, char **argv);

#endif
