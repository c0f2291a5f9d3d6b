// Does by a system call what this kernel's ring has no opcode for: at once, and on the loop's thread. Which operations these
// are says Model/Features.hasCall; the call reads the same submission. Tested in tests/Linux/StandInTests.fs.
namespace Uring.Driver

open System
open Uring.Kernel
open Uring.Model

[<RequireQualifiedAccess>]
module internal SystemCalls =

    /// As the opcode's completion would say. A direct descriptor has no number that a call could be told.
    let perform (kernel: IKernel) (request: inref<Request>) : int =
        let submission = request.Submission
        let memory = request.Buffer.Span

        let isDirect =
            match request.Target with
            | null -> submission.FileIndex <> 0u
            | target -> target.IsDirect

        match submission.Opcode with
        | _ when isDirect -> Errno.toResult Errno.ENOSYS
        | Opcode.Truncate -> kernel.Truncate(submission.Fd, int64 submission.Offset)
        | Opcode.Bind ->
            let address = memory.Slice(int submission.Address, int submission.Offset)
            kernel.Bind(submission.Fd, Span.op_Implicit address)
        | Opcode.Listen -> kernel.Listen(submission.Fd, int submission.Length)
        | Opcode.Pipe -> kernel.Pipe(memory.Slice(int submission.Address, 8), submission.OpFlags)
        // An open set: what has no call.
        | _ -> Errno.toResult Errno.ENOSYS
