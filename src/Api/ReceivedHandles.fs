// Descriptors that have come with a message have an owner from then on: who takes them, or what the message is in.
namespace Uring.FSharp

open System
open System.Buffers.Binary
open Microsoft.Win32.SafeHandles
open Uring.Driver
open Uring.Model

/// Owners of the descriptors that have come with a message.
[<RequireQualifiedAccess>]
module internal ReceivedHandles =

    // In the place of a descriptor that somebody has taken.
    let private taken = -1

    /// Nobody owns them yet.
    let own (control: ControlMessage list) : SafeFileHandle array =
        ControlMessage.descriptors control
        |> List.filter (fun number -> number <> taken)
        |> List.map (fun number -> new SafeFileHandle(nativeint number, true))
        |> Array.ofList

    /// Those in control data, which shows from then on that they are taken.
    let takeFrom (control: Span<byte>) : SafeFileHandle array =
        let handles = own (ControlMessage.decode (Span.op_Implicit control))

        for place in ControlMessage.descriptorPlaces (Span.op_Implicit control) do
            BinaryPrimitives.WriteInt32LittleEndian(control.Slice place, taken)

        handles

    /// Those in a pool's buffer that nobody has taken, nor looked at.
    let closeIn (room: MessageRoom) (lease: BufferLease) =
        let bytes = lease.Span
        let control = (MessageLayout.read room (Span.op_Implicit bytes)).Control
        takeFrom (bytes.Slice(control.Start, control.Length)) |> Array.iter _.Dispose()
