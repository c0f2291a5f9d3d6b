// What a ring was told to refuse, and whose credentials it knows. Source: man io_uring_register(2),
// IORING_REGISTER_RESTRICTIONS and IORING_REGISTER_PERSONALITY.
namespace Uring.Simulation.Kernel

open System
open System.Collections.Generic
open Uring.Model

/// Everything is allowed until it is told something, and nothing else from then on.
[<Sealed>]
type internal Sandbox() =
    let registrations = HashSet<byte>()
    let opcodes = HashSet<byte>()
    let personalities = HashSet<uint16>()
    let mutable allowedFlags = 0uy
    let mutable requiredFlags = 0uy
    let mutable isClosed = false
    let mutable last = 0us

    let fail (errno: Errno) = Errno.toResult errno

    let add (sort: byte) (allowed: byte) =
        match sort with
        | 0uy -> registrations.Add allowed |> ignore
        | 1uy -> opcodes.Add allowed |> ignore
        | 2uy -> allowedFlags <- allowed
        // 3: the last one.
        | _ -> requiredFlags <- allowed

    /// struct io_uring_restriction, so many of them.
    member _.Restrict(argument: Span<byte>, count: int, lastRegister: int) =
        let mutable isKnown = true

        for index in 0 .. count - 1 do
            let sort, allowed = argument[index * 16], argument[index * 16 + 2]

            if sort > 3uy || (sort = 0uy && int allowed > lastRegister) then isKnown <- false

        if isClosed then
            fail Errno.EBUSY
        elif not isKnown then
            fail Errno.EINVAL
        else
            isClosed <- true

            for index in 0 .. count - 1 do
                add argument[index * 16] argument[index * 16 + 2]

            0

    member _.AllowsRegistration(opcode: RegisterOpcode) = not isClosed || registrations.Contains(byte opcode)

    /// What the restrictions and the credentials that it names say of a submission: 0, or an error.
    member _.Check(submission: Submission) =
        let flags = byte submission.Flags

        let isAllowed =
            not isClosed
            || (opcodes.Contains(byte submission.Opcode)
                && flags &&& requiredFlags = requiredFlags
                && flags &&& ~~~(allowedFlags ||| requiredFlags) = 0uy)

        if not isAllowed then
            fail Errno.EACCES
        elif submission.Personality <> 0us && not (personalities.Contains submission.Personality) then
            fail Errno.EINVAL
        else
            0

    /// There is one user on a simulated machine, so that one is as good as another.
    member _.Remember() =
        last <- last + 1us
        personalities.Add last |> ignore
        int last

    member _.Forget(personality: uint32) =
        if personalities.Remove(uint16 personality) then 0 else fail Errno.EINVAL
