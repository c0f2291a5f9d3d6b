// The load for `bench echo`: each connection keeps one request in flight, verifies every byte of its echo, sends the next.
//   echo-load <IPv4 address> <port> <connections> <bytes> <warm-up> <seconds> <server's pid>      prints one line of JSON
// It sleeps when there is nothing to do, as clients do. After the warm-up it measures, and reads the server's CPU clock at
// both ends of the span itself, in nanoseconds.
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { GROUP = 1, SUB_BUCKETS = 32, SEND = UINT16_MAX };

struct connection {
	int fd;
	size_t received;
	uint64_t requests;
	uint64_t sent_at;
	unsigned char *message;
};

static struct io_uring ring;
static struct io_uring_buf_ring *free_buffers;
static unsigned char *buffers;
static size_t bytes, buffer_size;
static unsigned buffer_count;
static uint64_t errors, latencies[64 * SUB_BUCKETS], longest;
static int measuring, stopping;
static unsigned busy;

static void fail(const char *what, int error)
{
	fprintf(stderr, "echo-load: %s: %s\n", what, strerror(error));
	exit(1);
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;
	if (clock_gettime(clock, &ts) < 0)
		return 0;
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static uint64_t now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

// What all processes together have used, to tell whether the machine was quiet: user, nice, system, (idle, waiting),
// interrupts, in ticks of both cores.
static double read_machine(void)
{
	double user = 0, nice = 0, system = 0, idle, waiting, hard = 0, soft = 0;
	FILE *file = fopen("/proc/stat", "r");
	if (!file || fscanf(file, "cpu %lf %lf %lf %lf %lf %lf %lf", &user, &nice, &system, &idle, &waiting, &hard,
			    &soft) != 7)
		fail("/proc/stat", errno);
	fclose(file);
	return (user + nice + system + hard + soft) / sysconf(_SC_CLK_TCK);
}

// 32 buckets to each power of two: three per cent is as exact as a shared machine deserves.
static unsigned bucket_of(uint64_t ns)
{
	if (ns < 2 * SUB_BUCKETS)
		return ns;
	unsigned shift = 63 - __builtin_clzll(ns) - 5;
	return shift * SUB_BUCKETS + (ns >> shift);
}

static uint64_t floor_of(unsigned bucket)
{
	if (bucket < 2 * SUB_BUCKETS)
		return bucket;
	unsigned shift = bucket / SUB_BUCKETS - 1;
	return (uint64_t)(bucket - shift * SUB_BUCKETS) << shift;
}

static double quantile(double part, uint64_t count)
{
	uint64_t seen = 0;
	for (unsigned i = 0; i < sizeof latencies / sizeof *latencies; i++) {
		seen += latencies[i];
		if (count > 0 && seen >= part * count)
			return floor_of(i) / 1000.0;
	}
	return 0;
}

static struct io_uring_sqe *next_sqe(void)
{
	struct io_uring_sqe *sqe;
	while (!(sqe = io_uring_get_sqe(&ring)))
		io_uring_submit(&ring);
	return sqe;
}

static void receive(struct connection *connection)
{
	struct io_uring_sqe *sqe = next_sqe();
	io_uring_prep_recv_multishot(sqe, connection->fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	io_uring_sqe_set_data(sqe, connection);
}

// A new stamp at both ends, so that a late echo of the last request is no echo of this one. MSG_WAITALL: the kernel sends
// all, or says what went wrong; a send that went well makes no completion.
static void request(struct connection *connection, uint64_t at)
{
	size_t stamp = bytes < sizeof connection->requests ? bytes : sizeof connection->requests;
	connection->requests++;
	connection->received = 0;
	connection->sent_at = at;
	memcpy(connection->message, &connection->requests, stamp);
	memcpy(connection->message + bytes - stamp, &connection->requests, stamp);
	struct io_uring_sqe *sqe = next_sqe();
	io_uring_prep_send(sqe, connection->fd, connection->message, bytes, MSG_WAITALL);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	io_uring_sqe_set_data64(sqe, SEND);
}

static void give_back(unsigned id)
{
	io_uring_buf_ring_add(free_buffers, buffers + id * buffer_size, buffer_size, id,
			      io_uring_buf_ring_mask(buffer_count), 0);
	io_uring_buf_ring_advance(free_buffers, 1);
}

// Returns 1 when a request is complete.
static unsigned take(struct connection *connection, const struct io_uring_cqe *cqe)
{
	unsigned complete = 0;
	if (cqe->res > 0) {
		unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
		size_t length = cqe->res;
		if (length > bytes - connection->received ||
		    memcmp(buffers + id * buffer_size, connection->message + connection->received, length) != 0)
			errors++;
		give_back(id);
		connection->received += length;
		if (connection->received >= bytes) {
			uint64_t at = now(), latency = at - connection->sent_at;
			complete = 1;
			if (measuring) {
				latencies[bucket_of(latency)]++;
				longest = latency > longest ? latency : longest;
			}
			if (stopping)
				busy--;
			else
				request(connection, at);
		}
	} else if (cqe->res != -ENOBUFS) {
		errors++;
		busy--;
		return 0;
	}
	if (!(cqe->flags & IORING_CQE_F_MORE))
		receive(connection);
	return complete;
}

// Until `end`, or until nothing is in flight any more when stopping. Returns the requests completed.
static uint64_t run(uint64_t end)
{
	uint64_t complete = 0;
	while (busy > 0 && now() < end) {
		int result = io_uring_submit_and_wait(&ring, 1);
		if (result < 0 && result != -EINTR)
			fail("io_uring_enter", -result);
		struct io_uring_cqe *cqe;
		unsigned head, count = 0;
		io_uring_for_each_cqe(&ring, head, cqe)
		{
			if (cqe->user_data == SEND)
				errors++;
			else
				complete += take(io_uring_cqe_get_data(cqe), cqe);
			count++;
		}
		io_uring_cq_advance(&ring, count);
	}
	return complete;
}

static void prepare(unsigned connections)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
			 IORING_SETUP_CQSIZE,
		.cq_entries = 8192,
	};
	int result = io_uring_queue_init_params(1024, &ring, &params);
	if (result < 0)
		fail("io_uring_setup", -result);
	buffer_size = bytes < 16384 ? bytes : 16384;
	for (buffer_count = 16; buffer_count < 2 * connections; buffer_count *= 2)
		;
	struct io_uring_buf_reg registration = { .ring_entries = buffer_count, .bgid = GROUP };
	buffers = aligned_alloc(4096, (buffer_count * buffer_size + 4095) / 4096 * 4096);
	free_buffers = aligned_alloc(4096, (buffer_count * sizeof(struct io_uring_buf) + 4095) / 4096 * 4096);
	if (!buffers || !free_buffers)
		fail("memory", ENOMEM);
	registration.ring_addr = (uintptr_t)free_buffers;
	result = io_uring_register_buf_ring(&ring, &registration, 0);
	if (result < 0)
		fail("io_uring_register_buf_ring", -result);
	io_uring_buf_ring_init(free_buffers);
	for (unsigned id = 0; id < buffer_count; id++)
		give_back(id);
}

static void open_connection(struct connection *connection, const struct sockaddr_in *server)
{
	int on = 1;
	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	connection->message = malloc(bytes);
	if (!connection->message)
		fail("memory", ENOMEM);
	for (size_t i = 0; i < bytes; i++)
		connection->message[i] = i * 31 + connection->fd;
	if (connection->fd < 0 || connect(connection->fd, (const struct sockaddr *)server, sizeof *server) < 0)
		fail("connect", errno);
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	receive(connection);
	request(connection, now());
}

int main(int argc, char **argv)
{
	struct sockaddr_in server = { .sin_family = AF_INET };
	clockid_t server_clock;
	if (argc != 8 || inet_pton(AF_INET, argv[1], &server.sin_addr) != 1)
		return 2;
	server.sin_port = htons(atoi(argv[2]));
	unsigned connections = atoi(argv[3]);
	bytes = atol(argv[4]);
	double warm_up = atof(argv[5]), seconds = atof(argv[6]);
	int error = clock_getcpuclockid(atoi(argv[7]), &server_clock);
	if (error || !connections || !bytes)
		fail("the server's CPU clock", error ? error : EINVAL);
	// A server that answers no more must not hang the benchmark.
	alarm(warm_up + seconds + 10);
	prepare(connections);
	struct connection *all = calloc(connections, sizeof *all);
	if (!all)
		fail("memory", ENOMEM);
	for (unsigned i = 0; i < connections; i++)
		open_connection(&all[i], &server);
	busy = connections;

	run(now() + warm_up * 1e9);
	measuring = 1;
	double machine = read_machine();
	uint64_t start = now(), server_start = read_clock(server_clock), own_start = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t complete = run(start + seconds * 1e9);
	double elapsed = (now() - start) / 1e9, server_cpu = (read_clock(server_clock) - server_start) / 1e9;
	double own_cpu = (read_clock(CLOCK_PROCESS_CPUTIME_ID) - own_start) / 1e9;
	double others = read_machine() - machine - server_cpu - own_cpu;
	measuring = 0;
	// What is under way comes to its end: closing before would break the server's sends.
	stopping = 1;
	run(UINT64_MAX);

	printf("{\"requests\":%llu,\"seconds\":%.6f,\"serverCpuSeconds\":%.6f,\"othersCpuSeconds\":%.2f,"
	       "\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f,\"errors\":%llu}\n",
	       (unsigned long long)complete, elapsed, server_cpu, others > 0 ? others : 0, quantile(0.5, complete),
	       quantile(0.99, complete), longest / 1000.0, (unsigned long long)errors);
	return 0;
}
