// The control for `bench reads`: random 4 KiB reads of a cached file, a fixed number in flight, on liburing.
//   reads <path> <depth> <seconds>      prints reads per second
#include <fcntl.h>
#include <liburing.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { BLOCK = 4096 };

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static uint64_t state = 88172645463325252ull;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	unsigned depth = atoi(argv[2]);
	double seconds = atof(argv[3]);
	int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return 1;
	uint64_t blocks = st.st_size / BLOCK;
	char *memory = aligned_alloc(BLOCK, (size_t)depth * BLOCK);
	struct io_uring ring;
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
			 IORING_SETUP_CQSIZE,
		.cq_entries = 4096,
	};
	if (!memory || io_uring_queue_init_params(256, &ring, &params) < 0)
		return 1;

	for (unsigned i = 0; i < depth; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
		io_uring_prep_read(sqe, fd, memory + (size_t)i * BLOCK, BLOCK, (next() % blocks) * BLOCK);
		io_uring_sqe_set_data64(sqe, i);
	}
	unsigned long long done = 0, checked = 0;
	double start = now(), end = start;
	while (end - start < seconds) {
		if (io_uring_submit_and_wait(&ring, 1) < 0)
			return 1;
		struct io_uring_cqe *cqe;
		unsigned head, count = 0;
		io_uring_for_each_cqe(&ring, head, cqe)
		{
			if (cqe->res != BLOCK)
				return 1;
			uint64_t i = cqe->user_data;
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
			io_uring_prep_read(sqe, fd, memory + i * BLOCK, BLOCK, (next() % blocks) * BLOCK);
			io_uring_sqe_set_data64(sqe, i);
			count++;
		}
		io_uring_cq_advance(&ring, count);
		done += count;
		if (++checked % 64 == 0)
			end = now();
	}
	printf("%.0f\n", done / (end - start));
	return 0;
}
