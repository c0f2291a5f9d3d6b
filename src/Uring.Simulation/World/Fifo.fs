// A pipe with a name. Who opens an end shares it with those who opened it before. Source: man fifo(7), and what the findings say
// of io_uring: an open without O_CREAT does not wait for the other end, and a read of a pipe that nobody has opened for
// writing yet waits.
namespace Uring.Simulation.World

open Uring.Model
open Uring.Simulation

[<Sealed>]
type internal Fifo(path: string, choices: Choices) =
    let state = PipeState(choices, HadWriter = false)

    /// What an open waits for that has to wait: it is told of every other open.
    let door = {
        new OpenFile() with
            member _.Name = path
            member _.Events = PollEvents.None
    }

    let reader () : OpenFile =
        match state.Reader with
        | null ->
            let made = PipeReader(state, path)
            state.Reader <- made
            door.Changed PollEvents.None
            made
        | shared ->
            shared.Retain()
            shared

    let writer () : OpenFile =
        match state.Writer with
        | null ->
            let made = PipeWriter(state, path)
            state.Writer <- made
            state.HadWriter <- true
            door.Changed PollEvents.None
            made
        | shared ->
            shared.Retain()
            shared

    member _.Door: OpenFile = door

    /// open(2). EAGAIN: it has to wait at the door, if it may.
    member _.Open(flags: int) : Result<OpenFile, Errno> =
        let waits = (flags &&& 0o4000) = 0 && (flags &&& 0o100) <> 0

        match flags &&& 3 with
        | 0 when waits && isNull state.Writer -> Error Errno.EAGAIN
        | 0 -> Ok(reader ())
        | 1 when isNull state.Reader -> Error(if waits then Errno.EAGAIN else Errno.ENXIO)
        | 1 -> Ok(writer ())
        // Both ends at once: not simulated.
        | _ -> Error Errno.EINVAL
