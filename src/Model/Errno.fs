// Decides what a negative result means. Knows nothing of exceptions: Driver/Fault.fs turns the kinds into those.
// Tested in ErrnoLaws.fs. Source: man errno(3), Linux generic numbering (x86-64, arm64).
namespace Uring.Model

/// An error number as the kernel returns it, positive.
type Errno =
    | EPERM = 1
    | ENOENT = 2
    | ESRCH = 3
    | EINTR = 4
    | EIO = 5
    | ENXIO = 6
    | EBADF = 9
    | ECHILD = 10
    | EAGAIN = 11
    | ENOMEM = 12
    | EACCES = 13
    | EFAULT = 14
    | EBUSY = 16
    | EEXIST = 17
    | EXDEV = 18
    | ENOTDIR = 20
    | EISDIR = 21
    | EINVAL = 22
    | ENFILE = 23
    | EMFILE = 24
    | EFBIG = 27
    | ENOSPC = 28
    | ESPIPE = 29
    | EROFS = 30
    | EPIPE = 32
    | ERANGE = 34
    | ENAMETOOLONG = 36
    | ENOSYS = 38
    | ENOTEMPTY = 39
    | ELOOP = 40
    | EBADR = 53
    | ENODATA = 61
    | ETIME = 62
    | EOVERFLOW = 75
    | EBADFD = 77
    | ENOTSOCK = 88
    | EDESTADDRREQ = 89
    | EMSGSIZE = 90
    | EPROTOTYPE = 91
    | ENOPROTOOPT = 92
    | EPROTONOSUPPORT = 93
    | ESOCKTNOSUPPORT = 94
    | EOPNOTSUPP = 95
    | EPFNOSUPPORT = 96
    | EAFNOSUPPORT = 97
    | EADDRINUSE = 98
    | EADDRNOTAVAIL = 99
    | ENETDOWN = 100
    | ENETUNREACH = 101
    | ENETRESET = 102
    | ECONNABORTED = 103
    | ECONNRESET = 104
    | ENOBUFS = 105
    | EISCONN = 106
    | ENOTCONN = 107
    | ESHUTDOWN = 108
    | ETIMEDOUT = 110
    | ECONNREFUSED = 111
    | EHOSTDOWN = 112
    | EHOSTUNREACH = 113
    | EALREADY = 114
    | EINPROGRESS = 115
    | EDQUOT = 122
    | ECANCELED = 125
    | EOWNERDEAD = 130
    // Not for user space, says the kernel, and yet what a cancelled open of a FIFO ends with in a worker (6.18).
    | ERESTARTSYS = 512
    | ERESTARTNOINTR = 513
    | ERESTARTNOHAND = 514
    | ERESTART_RESTARTBLOCK = 516

/// What an error means to a caller: as many kinds as there are different things to do about it.
///
/// Laws
///  1. every errno has exactly one kind
///  2. a result is an error exactly when it is negative
[<Struct; RequireQualifiedAccess>]
type ErrorKind =
    /// The path names nothing.
    | NotFound
    /// The caller may not do this.
    | AccessDenied
    /// A cancel request ended the operation.
    | Cancelled
    /// A timer of the ring ran out.
    | TimedOut
    /// The descriptor is not open.
    | Closed
    /// An argument is out of range or of the wrong sort.
    | Invalid
    /// This kernel or file system cannot do this.
    | Unsupported
    /// The peer, the network, the address or the protocol stood in the way.
    | Network
    /// Everything else: an I/O error with its number.
    | InputOutput

/// Reading errors; see `ErrorKind` for the laws.
[<RequireQualifiedAccess>]
module Errno =

    /// True when a completion's result is an error.
    let isError (result: int) = result < 0

    /// The error in a negative result.
    let ofResult (result: int) : Errno = enum<Errno>(-result)

    /// The result that carries this error.
    let toResult (errno: Errno) = -(int errno)

    /// What the error means to a caller.
    let kind (errno: Errno) =
        match errno with
        | Errno.ENOENT
        | Errno.ENOTDIR -> ErrorKind.NotFound
        | Errno.EPERM
        | Errno.EACCES
        | Errno.EROFS -> ErrorKind.AccessDenied
        // A kernel worker is interrupted only when its request is cancelled while it runs.
        | Errno.EINTR
        | Errno.ERESTARTSYS
        | Errno.ERESTARTNOINTR
        | Errno.ERESTARTNOHAND
        | Errno.ERESTART_RESTARTBLOCK
        | Errno.ECANCELED -> ErrorKind.Cancelled
        | Errno.ETIME -> ErrorKind.TimedOut
        | Errno.EBADF
        | Errno.EBADFD -> ErrorKind.Closed
        | Errno.EINVAL
        | Errno.EFAULT
        | Errno.ENAMETOOLONG -> ErrorKind.Invalid
        | Errno.ENOSYS
        | Errno.EOPNOTSUPP -> ErrorKind.Unsupported
        | other when int other >= int Errno.ENOTSOCK && int other <= int Errno.EINPROGRESS ->
            ErrorKind.Network
        | Errno.EPIPE -> ErrorKind.Network
        // An open set: the kernel may return any number, and the rest is told by that number.
        | _ -> ErrorKind.InputOutput
