// Decides for how long a cancel that the kernel did not find anything for is asked again. Knows no ring: it counts
// entries into the kernel. Tested in MissedCancelLaws.fs; driven by Driver/InFlight.fs.
namespace Uring.Model

/// A cancel answers -ENOENT while its target is nowhere to be found, and the target lives on:
///
///  - A follower in a chain has not started. It may, whenever another operation ends.
///  - The kernel is between two tries: an operation that cannot go on though its file says that it is ready (a connect to
///    a Unix listener whose backlog is full, a datagram to a full receiver) is tried 128 times, once per entry, before
///    a worker waits for it. Asked in between, the kernel does not know it; asked afterwards, it does.
///  - A disk works on it. It ends by itself.
///
/// So asking goes on for more entries than there are tries, and starts anew with every end. It stops all the same: for the
/// sake of a disk, a loop must not spin.
///
///             asked               asked, Left = 0
///   Asking  --------> Asking   ------------------> Waiting
///     ^                                              |
///     +------ an operation ended, or a first ask ----+
///
/// Laws
///  1. after a first ask and after every end, what is missed is asked again in each of the next 128 entries and a few more
///  2. without either it is given up: a loop without work sleeps
///  3. nothing missed, nothing asked
[<Struct>]
type MissedCancel = {
    /// Entries in which asking again still has a chance.
    Left: int
}

/// The steps of asking again; see `MissedCancel` for the diagram and the laws.
[<RequireQualifiedAccess>]
module MissedCancel =

    /// APOLL_MAX_RETRY in io_uring/poll.c.
    [<Literal>]
    let Tries = 128

    /// The way to the worker takes a few more.
    [<Literal>]
    let Entries = 136

    /// Nothing has been asked.
    let none = { Left = 0 }

    /// The kernel was asked for the first time to end something, or an operation has ended: it may be found now.
    let renewed = { Left = Entries }

    /// Whether to ask again for so many that were missed.
    let asksAgain missed state = missed > 0 && state.Left > 0

    /// It was asked again.
    let asked state = { Left = state.Left - 1 }
