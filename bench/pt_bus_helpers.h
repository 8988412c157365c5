/*  pt_bus_helpers: pt_bench_bus as a program of the chain: what it starts itself as.
 *
 *      pt_bench_bus null-worker --batch N [options of a worker, see pt_chain.h]
 *      pt_bench_bus proxy --front ENDPOINT --back ENDPOINT --ports-file FILE
 */
#ifndef PT_BUS_HELPERS_H
#define PT_BUS_HELPERS_H

/*  A null worker. argv[0] is "null-worker". */
int pt_bus_null_worker(int argc, char **argv);

/*  libzmq's own zmq_proxy between a ROUTER in front and a DEALER at the back: a broker without credit
 *  and without answers of its own, for what passing on alone costs. argv[0] is "proxy".
 */
int pt_bus_proxy(int argc, char **argv);

#endif
