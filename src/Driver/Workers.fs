// The kernel's own threads (io-wq), which do what must block: how many there may be, and that there is one.
namespace Uring.Driver

open System
open System.Runtime.InteropServices
open Uring.Model

[<RequireQualifiedAccess>]
module internal Workers =

    /// Without a limit the kernel makes up to RLIMIT_NPROC of them. Before 5.15 there is none to set, and nothing is lost.
    let limit (ring: Ring) (options: LoopOptions) =
        if options.BoundedWorkers > 0 || options.UnboundedWorkers > 0 then
            let limits = [| uint32 options.BoundedWorkers; uint32 options.UnboundedWorkers |]
            let bytes = MemoryMarshal.AsBytes(limits.AsSpan())

            ring.Kernel.Register(ring.Descriptor, RegisterOpcode.WorkerLimits, bytes, 2u) |> ignore

    /// Enters until a completion is there, or gives up: this is no time to hang.
    let private answered (ring: Ring) =
        let mutable turnsLeft = 100

        while ring.Ready() = 0 && turnsLeft > 0 do
            turnsLeft <- turnsLeft - 1
            ring.Enter(1, -1L) |> ignore

        ring.Ready() > 0

    /// The kernel knows of the thread, and has a place for workers of its own, once it has submitted something.
    let arrive (ring: Ring) =
        let nop = Submission.nop ()

        if ring.TrySubmit &nop && answered ring then ring.Advance 1

    let rec private tryMake (ring: Ring) triesLeft =
        let nop = Submission.nop () |> Submission.flagged SqeFlags.Async

        if ring.TrySubmit &nop && answered ring then
            let result = ring.Completion(0).Result
            ring.Advance 1

            if result = Errno.toResult Errno.ECANCELED && triesLeft > 0 then
                tryMake ring (triesLeft - 1)

    /// Under signals the kernel can fail to make its first worker, and then cancels what waits for one: an operation that
    /// nobody cancelled would end as cancelled (6.18, seen in a storm of signals; the .NET runtime sends some itself). The
    /// last worker stays, so one is made before there is anything to lose.
    let makeFirst (ring: Ring) = tryMake ring 100
