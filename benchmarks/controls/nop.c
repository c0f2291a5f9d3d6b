// The control for `bench nop`: the same loop on liburing.
//   nop <batch> <seconds>      prints operations per second
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	unsigned batch = atoi(argv[1]);
	double seconds = atof(argv[2]);
	struct io_uring ring;
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
			 IORING_SETUP_CQSIZE,
		.cq_entries = 4096,
	};
	if (io_uring_queue_init_params(256, &ring, &params) < 0)
		return 1;

	unsigned long long done = 0, id = 0;
	double start = now(), end = start;
	while (end - start < seconds) {
		for (int round = 0; round < 1000; round++) {
			for (unsigned i = 0; i < batch; i++) {
				struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
				io_uring_prep_nop(sqe);
				io_uring_sqe_set_data64(sqe, ++id);
			}
			unsigned left = batch;
			int submitted = io_uring_submit_and_wait(&ring, batch);
			if (submitted < 0)
				return 1;
			while (left > 0) {
				struct io_uring_cqe *cqe;
				unsigned head, count = 0;
				io_uring_for_each_cqe(&ring, head, cqe)
				{
					if (cqe->res < 0)
						return 1;
					count++;
				}
				io_uring_cq_advance(&ring, count);
				left -= count;
				if (left > 0 && io_uring_submit_and_wait(&ring, left) < 0)
					return 1;
			}
			done += batch;
		}
		end = now();
	}
	printf("%.0f\n", done / (end - start));
	return 0;
}
