// The control for `bench echo`: the same server on liburing, with the knobs that the C# one has.
//   echo-server <buffers> <bytes in each>      prints its port on 127.0.0.1; ends when its input does
// Multishot accept and receive, one ring of buffers for all, sends straight from the received buffer, one at a time for
// each connection. Who finds no buffer waits in a line until some come back.
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef IORING_SETUP_NO_SQARRAY // Linux 6.6; liburing 2.5
#define IORING_SETUP_NO_SQARRAY (1U << 16)
#endif

enum { ENTRIES = 256, COMPLETIONS = 4096, GROUP = 1, CONNECTIONS = 65536, NONE = -1 };
enum kind { ACCEPT, RECEIVE, SEND, STOP };

// Indexed by descriptor. Its buffers to send are a list through `next_buffer`.
static struct connection {
	int first, last;
	unsigned sent;
	char sending, ended;
} connections[CONNECTIONS];

static struct io_uring ring;
static struct io_uring_buf_ring *free_buffers;
static unsigned char *buffers;
static unsigned buffer_count, buffer_size, available;
static int *next_buffer;
static unsigned *lengths;
// Descriptors of those who starve, oldest first; each at most once.
static int starved[CONNECTIONS];
static unsigned starved_head, starved_tail;

static void fail(const char *what, int error)
{
	fprintf(stderr, "echo-server: %s: %s\n", what, strerror(error));
	exit(1);
}

static struct io_uring_sqe *next_sqe(void)
{
	struct io_uring_sqe *sqe;
	while (!(sqe = io_uring_get_sqe(&ring)))
		io_uring_submit(&ring);
	return sqe;
}

static void tag(struct io_uring_sqe *sqe, enum kind kind, int fd)
{
	io_uring_sqe_set_data64(sqe, (uint64_t)fd << 2 | kind);
}

static void accept_all(int listener)
{
	struct io_uring_sqe *sqe = next_sqe();
	io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
	tag(sqe, ACCEPT, listener);
}

static void receive(int fd)
{
	struct io_uring_sqe *sqe = next_sqe();
	io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	tag(sqe, RECEIVE, fd);
}

static void give_back(int id)
{
	io_uring_buf_ring_add(free_buffers, buffers + (size_t)id * buffer_size, buffer_size, id,
			      io_uring_buf_ring_mask(buffer_count), 0);
	io_uring_buf_ring_advance(free_buffers, 1);
	available++;
}

static void send_first(int fd)
{
	struct connection *connection = &connections[fd];
	struct io_uring_sqe *sqe = next_sqe();
	int id = connection->first;
	connection->sending = 1;
	io_uring_prep_send(sqe, fd, buffers + (size_t)id * buffer_size + connection->sent,
			   lengths[id] - connection->sent, 0);
	tag(sqe, SEND, fd);
}

// The buffer that was sent goes back, and the next one's turn has come.
static void pop(struct connection *connection)
{
	int id = connection->first;
	connection->first = next_buffer[id];
	connection->sent = 0;
	give_back(id);
}

static void close_if_over(int fd)
{
	struct connection *connection = &connections[fd];
	if (connection->ended && !connection->sending)
		close(fd);
}

static void accepted(int listener, const struct io_uring_cqe *cqe)
{
	if (cqe->res >= CONNECTIONS) {
		close(cqe->res);
	} else if (cqe->res >= 0) {
		connections[cqe->res] = (struct connection){ .first = NONE };
		receive(cqe->res);
	}
	if (!(cqe->flags & IORING_CQE_F_MORE))
		accept_all(listener);
}

static void received(int fd, const struct io_uring_cqe *cqe)
{
	struct connection *connection = &connections[fd];
	if (cqe->res > 0) {
		int id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
		available--;
		lengths[id] = cqe->res;
		next_buffer[id] = NONE;
		if (connection->first == NONE)
			connection->first = id;
		else
			next_buffer[connection->last] = id;
		connection->last = id;
		if (!connection->sending)
			send_first(fd);
		if (!(cqe->flags & IORING_CQE_F_MORE))
			receive(fd);
	} else if (cqe->res == -ENOBUFS) {
		starved[starved_tail++ % CONNECTIONS] = fd;
	} else {
		connection->ended = 1;
		close_if_over(fd);
	}
}

static void sent(int fd, const struct io_uring_cqe *cqe)
{
	struct connection *connection = &connections[fd];
	connection->sending = 0;
	if (cqe->res < 0) {
		// The peer is gone: what waits goes nowhere, and receiving, if it goes on, ends with this.
		while (connection->first != NONE)
			pop(connection);
		shutdown(fd, SHUT_RDWR);
	} else {
		connection->sent += cqe->res;
		if (connection->sent == lengths[connection->first])
			pop(connection);
		if (connection->first != NONE)
			send_first(fd);
	}
	close_if_over(fd);
}

static void feed(void)
{
	unsigned count = starved_tail - starved_head;
	if (count > available)
		count = available;
	while (count-- > 0)
		receive(starved[starved_head++ % CONNECTIONS]);
}

// liburing fills the array of indices when it makes a ring, without knowing (2.3) that there may be none: so without it.
static int make_ring(void)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
			 IORING_SETUP_CQSIZE | IORING_SETUP_NO_SQARRAY,
		.cq_entries = COMPLETIONS,
	};
	int fd = syscall(__NR_io_uring_setup, ENTRIES, &params);
	if (fd >= 0)
		return io_uring_queue_mmap(fd, &params, &ring);
	params.flags &= ~IORING_SETUP_NO_SQARRAY;
	return errno == EINVAL ? io_uring_queue_init_params(ENTRIES, &ring, &params) : -errno;
}

static void prepare(void)
{
	int result = make_ring();
	if (result < 0)
		fail("io_uring_setup", -result);
	struct io_uring_buf_reg registration = { .ring_entries = buffer_count, .bgid = GROUP };
	buffers = aligned_alloc(4096, ((size_t)buffer_count * buffer_size + 4095) / 4096 * 4096);
	free_buffers = aligned_alloc(4096, (buffer_count * sizeof(struct io_uring_buf) + 4095) / 4096 * 4096);
	next_buffer = calloc(buffer_count, sizeof *next_buffer);
	lengths = calloc(buffer_count, sizeof *lengths);
	if (!buffers || !free_buffers || !next_buffer || !lengths)
		fail("memory", ENOMEM);
	registration.ring_addr = (uintptr_t)free_buffers;
	result = io_uring_register_buf_ring(&ring, &registration, 0);
	if (result < 0)
		fail("io_uring_register_buf_ring", -result);
	io_uring_buf_ring_init(free_buffers);
	for (unsigned id = 0; id < buffer_count; id++)
		give_back(id);
}

static int listen_somewhere(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	// Accepted sockets inherit TCP_NODELAY.
	if (listener < 0 || setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
	    bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 4096) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		fail("listen", errno);
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return listener;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	buffer_count = atoi(argv[1]);
	buffer_size = atoi(argv[2]);
	if (!buffer_size || !buffer_count || buffer_count & (buffer_count - 1))
		fail("the number of buffers has to be a power of two", EINVAL);
	prepare();
	accept_all(listen_somewhere());
	struct io_uring_sqe *stop = next_sqe();
	io_uring_prep_poll_add(stop, STDIN_FILENO, POLLIN | POLLHUP);
	tag(stop, STOP, STDIN_FILENO);

	for (;;) {
		int result = io_uring_submit_and_wait(&ring, 1);
		if (result < 0 && result != -EINTR)
			fail("io_uring_enter", -result);
		struct io_uring_cqe *cqe;
		unsigned head, count = 0;
		io_uring_for_each_cqe(&ring, head, cqe)
		{
			int fd = cqe->user_data >> 2;
			switch ((enum kind)(cqe->user_data & 3)) {
			case ACCEPT:
				accepted(fd, cqe);
				break;
			case RECEIVE:
				received(fd, cqe);
				break;
			case SEND:
				sent(fd, cqe);
				break;
			case STOP:
				return 0;
			}
			count++;
		}
		io_uring_cq_advance(&ring, count);
		feed();
	}
}
