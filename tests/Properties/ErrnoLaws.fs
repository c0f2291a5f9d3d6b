module Uring.Laws.ErrnoLaws

open System
open Expecto
open Uring.Model

/// By hand from errno(3), generic numbering; the kind is what a caller can do about it.
let private golden = [
    1, "EPERM", Errno.EPERM, ErrorKind.AccessDenied
    2, "ENOENT", Errno.ENOENT, ErrorKind.NotFound
    3, "ESRCH", Errno.ESRCH, ErrorKind.InputOutput
    4, "EINTR", Errno.EINTR, ErrorKind.Cancelled
    5, "EIO", Errno.EIO, ErrorKind.InputOutput
    6, "ENXIO", Errno.ENXIO, ErrorKind.InputOutput
    9, "EBADF", Errno.EBADF, ErrorKind.Closed
    10, "ECHILD", Errno.ECHILD, ErrorKind.InputOutput
    11, "EAGAIN", Errno.EAGAIN, ErrorKind.InputOutput
    12, "ENOMEM", Errno.ENOMEM, ErrorKind.InputOutput
    13, "EACCES", Errno.EACCES, ErrorKind.AccessDenied
    14, "EFAULT", Errno.EFAULT, ErrorKind.Invalid
    16, "EBUSY", Errno.EBUSY, ErrorKind.InputOutput
    17, "EEXIST", Errno.EEXIST, ErrorKind.InputOutput
    18, "EXDEV", Errno.EXDEV, ErrorKind.InputOutput
    20, "ENOTDIR", Errno.ENOTDIR, ErrorKind.NotFound
    21, "EISDIR", Errno.EISDIR, ErrorKind.InputOutput
    22, "EINVAL", Errno.EINVAL, ErrorKind.Invalid
    23, "ENFILE", Errno.ENFILE, ErrorKind.InputOutput
    24, "EMFILE", Errno.EMFILE, ErrorKind.InputOutput
    27, "EFBIG", Errno.EFBIG, ErrorKind.InputOutput
    28, "ENOSPC", Errno.ENOSPC, ErrorKind.InputOutput
    29, "ESPIPE", Errno.ESPIPE, ErrorKind.InputOutput
    30, "EROFS", Errno.EROFS, ErrorKind.AccessDenied
    32, "EPIPE", Errno.EPIPE, ErrorKind.Network
    34, "ERANGE", Errno.ERANGE, ErrorKind.InputOutput
    36, "ENAMETOOLONG", Errno.ENAMETOOLONG, ErrorKind.Invalid
    38, "ENOSYS", Errno.ENOSYS, ErrorKind.Unsupported
    39, "ENOTEMPTY", Errno.ENOTEMPTY, ErrorKind.InputOutput
    40, "ELOOP", Errno.ELOOP, ErrorKind.InputOutput
    53, "EBADR", Errno.EBADR, ErrorKind.InputOutput
    61, "ENODATA", Errno.ENODATA, ErrorKind.InputOutput
    62, "ETIME", Errno.ETIME, ErrorKind.TimedOut
    75, "EOVERFLOW", Errno.EOVERFLOW, ErrorKind.InputOutput
    77, "EBADFD", Errno.EBADFD, ErrorKind.Closed
    88, "ENOTSOCK", Errno.ENOTSOCK, ErrorKind.Network
    89, "EDESTADDRREQ", Errno.EDESTADDRREQ, ErrorKind.Network
    90, "EMSGSIZE", Errno.EMSGSIZE, ErrorKind.Network
    91, "EPROTOTYPE", Errno.EPROTOTYPE, ErrorKind.Network
    92, "ENOPROTOOPT", Errno.ENOPROTOOPT, ErrorKind.Network
    93, "EPROTONOSUPPORT", Errno.EPROTONOSUPPORT, ErrorKind.Network
    94, "ESOCKTNOSUPPORT", Errno.ESOCKTNOSUPPORT, ErrorKind.Network
    95, "EOPNOTSUPP", Errno.EOPNOTSUPP, ErrorKind.Unsupported
    96, "EPFNOSUPPORT", Errno.EPFNOSUPPORT, ErrorKind.Network
    97, "EAFNOSUPPORT", Errno.EAFNOSUPPORT, ErrorKind.Network
    98, "EADDRINUSE", Errno.EADDRINUSE, ErrorKind.Network
    99, "EADDRNOTAVAIL", Errno.EADDRNOTAVAIL, ErrorKind.Network
    100, "ENETDOWN", Errno.ENETDOWN, ErrorKind.Network
    101, "ENETUNREACH", Errno.ENETUNREACH, ErrorKind.Network
    102, "ENETRESET", Errno.ENETRESET, ErrorKind.Network
    103, "ECONNABORTED", Errno.ECONNABORTED, ErrorKind.Network
    104, "ECONNRESET", Errno.ECONNRESET, ErrorKind.Network
    105, "ENOBUFS", Errno.ENOBUFS, ErrorKind.Network
    106, "EISCONN", Errno.EISCONN, ErrorKind.Network
    107, "ENOTCONN", Errno.ENOTCONN, ErrorKind.Network
    108, "ESHUTDOWN", Errno.ESHUTDOWN, ErrorKind.Network
    110, "ETIMEDOUT", Errno.ETIMEDOUT, ErrorKind.Network
    111, "ECONNREFUSED", Errno.ECONNREFUSED, ErrorKind.Network
    112, "EHOSTDOWN", Errno.EHOSTDOWN, ErrorKind.Network
    113, "EHOSTUNREACH", Errno.EHOSTUNREACH, ErrorKind.Network
    114, "EALREADY", Errno.EALREADY, ErrorKind.Network
    115, "EINPROGRESS", Errno.EINPROGRESS, ErrorKind.Network
    122, "EDQUOT", Errno.EDQUOT, ErrorKind.InputOutput
    125, "ECANCELED", Errno.ECANCELED, ErrorKind.Cancelled
    130, "EOWNERDEAD", Errno.EOWNERDEAD, ErrorKind.InputOutput
    512, "ERESTARTSYS", Errno.ERESTARTSYS, ErrorKind.Cancelled
    513, "ERESTARTNOINTR", Errno.ERESTARTNOINTR, ErrorKind.Cancelled
    514, "ERESTARTNOHAND", Errno.ERESTARTNOHAND, ErrorKind.Cancelled
    516, "ERESTART_RESTARTBLOCK", Errno.ERESTART_RESTARTBLOCK, ErrorKind.Cancelled
]

[<Tests>]
let laws =
    testList "Errno" [
        test "1. every errno has exactly one kind" {
            let listed = golden |> List.map (fun (_, _, errno, _) -> errno)
            Expect.equal listed (List.ofArray (Enum.GetValues<Errno>())) "the table has every errno once"

            for _, name, errno, kind in golden do
                Expect.equal (Errno.kind errno) kind name
        }

        testProperty "1. ... and success has none: it never decodes to an error"
        <| fun (result: int) ->
            match { UserData = UserData.none; Result = result; Flags = CqeFlags.None } with
            | Completion.Succeeded _ -> result >= 0
            | Completion.Failed errno -> result < 0 && Errno.toResult errno = result

        test "1. ... also the numbers that have no name here" {
            let named = golden |> List.map (fun (number, _, _, _) -> number) |> Set.ofList

            for number in 1..4095 do
                if not (named.Contains number) then
                    let isSocket = number >= 88 && number <= 115
                    let expected = if isSocket then ErrorKind.Network else ErrorKind.InputOutput
                    Expect.equal (Errno.kind (Errno.ofResult -number)) expected $"errno {number}"
        }

        test "2. a result is an error exactly when it is negative" {
            for result in [ Int32.MinValue; -4095; -125; -1 ] do
                Expect.isTrue (Errno.isError result) $"{result}"

            for result in [ 0; 1; 125; 4096; Int32.MaxValue ] do
                Expect.isFalse (Errno.isError result) $"{result}"
        }

        test "2. ... and its errno is the number that errno(3) gives it" {
            for number, name, errno, _ in golden do
                Expect.equal (Errno.ofResult -number) errno name
                Expect.equal (Errno.toResult errno) -number name
        }

        test "2. ... the number that errno.h gives it" {
            // Above 511 they are the kernel's own: errno.h does not have them.
            golden
            |> List.filter (fun (number, _, _, _) -> number < 512)
            |> List.map (fun (number, name, _, _) -> name, int64 number)
            |> Header.expectSame 50
        }
    ]
