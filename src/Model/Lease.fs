// Decides whether a lease may still be used and when its buffer goes back. Knows no memory and no thread: the driver
// exchanges the packed state atomically, so that any thread may ask. Tested in LeaseLaws.fs; driven by Driver/LeaseCell.fs.
namespace Uring.Model

open System.Runtime.CompilerServices

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
[<Struct; IsReadOnly>]
type Lease = {
    /// One word, so that any thread can exchange it: version (32) | open (1) | holds (31).
    Bits: int64
} with

    /// Names this use.
    member lease.Version = int (lease.Bits >>> 32)

    /// The handle has not been closed or passed on.
    member lease.IsOpen = (lease.Bits &&& 0x80000000L) <> 0L

    /// The open handle, operations in flight, shares.
    member lease.Holds = int lease.Bits &&& 0x7FFFFFFF

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

    let private openBit = 0x80000000L

    /// A lease with these fields.
    let pack (version: int) isOpen holds = {
        Bits = (int64 version <<< 32) ||| (if isOpen then openBit else 0L) ||| int64 (holds &&& 0x7FFFFFFF)
    }

    /// Not in use.
    let closed = { Bits = 0L }

    /// A new use of an object that nobody holds.
    let opened (lease: Lease) = pack (lease.Version + 1) true 1

    /// The handle of this version may read and write.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let isValid version (lease: Lease) = lease.IsOpen && lease.Version = version

    let private more (lease: Lease) = { Bits = lease.Bits + 1L }

    let private shut (lease: Lease) = { Bits = lease.Bits &&& ~~~openBit }

    /// Somebody else wants to hold it, by way of the handle.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let held version (lease: Lease) =
        if isValid version lease then
            struct (more lease, LeaseVerdict.Grant)
        else
            struct (lease, LeaseVerdict.Refuse)

    /// Somebody who holds it lets another one hold it as well.
    let joined (lease: Lease) =
        if lease.Holds > 0 then
            struct (more lease, LeaseVerdict.Grant)
        else
            struct (lease, LeaseVerdict.Refuse)

    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let private fewer (lease: Lease) =
        let lease = { Bits = lease.Bits - 1L }
        struct (lease, (if lease.Holds = 0 then LeaseVerdict.GiveBack else LeaseVerdict.Keep))

    /// The handle is done.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let close version (lease: Lease) =
        if isValid version lease then fewer (shut lease) else struct (lease, LeaseVerdict.Refuse)

    /// The handle passes its hold on, to an operation: it is done itself.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let passed version (lease: Lease) =
        if isValid version lease then
            struct (shut lease, LeaseVerdict.Grant)
        else
            struct (lease, LeaseVerdict.Refuse)

    /// Somebody who held it is done.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let dropped (lease: Lease) = if lease.Holds > 0 then fewer lease else struct (lease, LeaseVerdict.Refuse)
