// Makes sockets: socket(2) and socketpair(2).
namespace Uring.Simulation.World

open Uring.Model

[<RequireQualifiedAccess>]
module internal Sockets =

    let private isKnown family = family = 1 || family = 2 || family = 10

    /// A new socket, or why there is none. SOCK_CLOEXEC and SOCK_NONBLOCK in `kind` do not matter here.
    let create (network: Network) (host: NetworkHost) family kind protocol : Result<SocketFile, Errno> =
        match kind &&& 0xf, protocol with
        // SOCK_MAX is looked at first, unless the family is beyond AF_MAX.
        | kind, _ when kind > 10 && family < 46 -> Error Errno.EINVAL
        | _ when not (isKnown family) -> Error Errno.EAFNOSUPPORT
        // PF_UNIX; there are no others.
        | _ when family = 1 && protocol <> 0 && protocol <> 1 -> Error Errno.EPROTONOSUPPORT
        | 1, 1 when family = 1 -> Ok(StreamSocket(network, host, family))
        | 2, 1 when family = 1 -> Ok(DatagramSocket(network, host, family))
        | 1, (0 | 6) -> Ok(StreamSocket(network, host, family))
        | 2, (0 | 17) -> Ok(DatagramSocket(network, host, family))
        | (1 | 2), _ -> Error Errno.EPROTONOSUPPORT
        | _ -> Error Errno.ESOCKTNOSUPPORT

    /// Two Unix sockets that are connected to each other.
    let pair (network: Network) (host: NetworkHost) kind : Result<struct (SocketFile * SocketFile), Errno> =
        match kind &&& 0xf with
        | 1 ->
            let one = StreamSocket(network, host, 1)
            let other = StreamSocket(network, host, 1)
            one.Pair other
            Ok(struct (one, other))
        | 2 ->
            let one = DatagramSocket(network, host, 1)
            let other = DatagramSocket(network, host, 1)
            one.Pair other
            other.Pair one
            Ok(struct (one, other))
        | _ -> Error Errno.ESOCKTNOSUPPORT
