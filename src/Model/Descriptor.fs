// Decides when a descriptor may be closed. Knows neither its number nor how to close it.
// Tested in DescriptorLaws.fs; driven by Driver/Descriptor.fs.
namespace Uring.Model

open System.Runtime.CompilerServices

/// A descriptor's number is free for reuse the moment it is closed, and close(2) cancels nothing: an operation that
/// still names the number would then work on a stranger's file. So closing waits for the operations.
///
///            close                  last operation ends
///   Open ------------> Closing ---------------------------> Closed
///     | close, none in flight                                 ^
///     +-------------------------------------------------------+
///
/// Laws
///  1. a descriptor is closed exactly once, however often it is asked for
///  2. it is closed only when no operation names it
///  3. once closing has begun no operation starts on it
///  4. operations that began and ended add up: the count never goes below zero
[<Struct; RequireQualifiedAccess>]
type Opening =
    | Open
    | Closing
    | Closed

/// What the caller has to do next.
[<Struct; RequireQualifiedAccess>]
type DescriptorVerdict =
    /// The operation may start.
    | Start
    /// The descriptor is closing or closed.
    | Refuse
    /// Ask for the end of the operations on it; the close comes after the last one.
    | CancelOperations
    /// Close the number now.
    | CloseNow
    /// Nothing to do.
    | Ignore
    /// More operations ended than began.
    | Violation

/// One descriptor's whole state.
[<Struct>]
type Descriptor = { Opening: Opening; InFlight: int }

/// The transitions of a descriptor; see `Opening` for the diagram and the laws.
[<RequireQualifiedAccess>]
module Descriptor =

    let opened = { Opening = Opening.Open; InFlight = 0 }

    /// An operation wants to start on it.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let began descriptor =
        match descriptor.Opening with
        | Opening.Open ->
            struct ({ descriptor with InFlight = descriptor.InFlight + 1 }, DescriptorVerdict.Start)
        | Opening.Closing
        | Opening.Closed -> struct (descriptor, DescriptorVerdict.Refuse)

    /// An operation that had started has ended.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let ended descriptor =
        match descriptor.Opening, descriptor.InFlight with
        | _, 0 -> struct (descriptor, DescriptorVerdict.Violation)
        | Opening.Closing, 1 ->
            struct ({ Opening = Opening.Closed; InFlight = 0 }, DescriptorVerdict.CloseNow)
        | (Opening.Open | Opening.Closing | Opening.Closed), count ->
            struct ({ descriptor with InFlight = count - 1 }, DescriptorVerdict.Ignore)

    /// Somebody closes it.
    let close descriptor =
        match descriptor.Opening with
        | Opening.Open when descriptor.InFlight = 0 ->
            struct ({ descriptor with Opening = Opening.Closed }, DescriptorVerdict.CloseNow)
        | Opening.Open ->
            struct ({ descriptor with Opening = Opening.Closing }, DescriptorVerdict.CancelOperations)
        | Opening.Closing
        | Opening.Closed -> struct (descriptor, DescriptorVerdict.Ignore)
