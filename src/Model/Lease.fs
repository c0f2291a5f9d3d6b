// Decides whether a lease may still be used and when its buffer goes back. Knows no memory and no thread: the driver
// exchanges the packed state atomically, so that any thread may ask. Tested in LeaseLaws.fs; driven by Driver/LeaseCell.fs.
namespace Uring.Model

/// A lease's whole state. A lease is an object that is used again; its handle names one use of it.
///
///             opened                closed, held by others            last hold dropped
///   Closed -----------> Open ---------------------------> Lingering ----------------> Closed
///                         |  (or passed on to an operation)                              ^
///                         |  closed, and nobody else holds it                            |
///                         +--------------------------------------------------------------+
///
/// Laws
///  1. the buffer goes back exactly once per use: when the handle is closed and nobody holds it any more
///  2. after its close a handle grants nothing, not even when the object has been opened again for somebody else
///  3. closing twice is harmless
///  4. who holds keeps the buffer, whatever becomes of the handle: an operation in flight, a share
///  5. packing and unpacking is the identity
[<Struct>]
type Lease = {
    /// Names this use.
    Version: int
    IsOpen: bool
    /// The open handle, operations in flight, shares.
    Holds: int
}

/// What the caller of a lease function has to do next.
[<Struct; RequireQualifiedAccess>]
type LeaseVerdict =
    /// It may be used.
    | Grant
    /// It was closed before.
    | Refuse
    /// Nothing to do: somebody still holds it.
    | Keep
    /// The buffer goes back.
    | GiveBack

/// The transitions of a lease; see `Lease` for the diagram and the laws.
[<RequireQualifiedAccess>]
module Lease =

    /// Not in use.
    let closed = { Version = 0; IsOpen = false; Holds = 0 }

    /// A new use of an object that nobody holds.
    let opened lease = { Version = lease.Version + 1; IsOpen = true; Holds = 1 }

    /// The handle of this version may read and write.
    let isValid version lease = lease.IsOpen && lease.Version = version

    /// Somebody else wants to hold it, by way of the handle.
    let held version lease =
        if isValid version lease then
            struct ({ lease with Holds = lease.Holds + 1 }, LeaseVerdict.Grant)
        else
            struct (lease, LeaseVerdict.Refuse)

    /// Somebody who holds it lets another one hold it as well.
    let joined lease =
        if lease.Holds > 0 then
            struct ({ lease with Holds = lease.Holds + 1 }, LeaseVerdict.Grant)
        else
            struct (lease, LeaseVerdict.Refuse)

    let private fewer lease =
        let lease = { lease with Holds = lease.Holds - 1 }
        struct (lease, (if lease.Holds = 0 then LeaseVerdict.GiveBack else LeaseVerdict.Keep))

    /// The handle is done.
    let close version lease =
        if isValid version lease then
            fewer { lease with IsOpen = false }
        else
            struct (lease, LeaseVerdict.Refuse)

    /// The handle passes its hold on, to an operation: it is done itself.
    let passed version lease =
        if isValid version lease then
            struct ({ lease with IsOpen = false }, LeaseVerdict.Grant)
        else
            struct (lease, LeaseVerdict.Refuse)

    /// Somebody who held it is done.
    let dropped lease = if lease.Holds > 0 then fewer lease else struct (lease, LeaseVerdict.Refuse)

    /// Version in the upper 32 bits, the open mark below, the holds in 31 bits.
    let pack lease : int64 =
        (int64 lease.Version <<< 32)
        ||| (if lease.IsOpen then 0x80000000L else 0L)
        ||| int64 (lease.Holds &&& 0x7FFFFFFF)

    /// What `pack` made.
    let unpack (bits: int64) = {
        Version = int (bits >>> 32)
        IsOpen = (bits &&& 0x80000000L) <> 0L
        Holds = int bits &&& 0x7FFFFFFF
    }
