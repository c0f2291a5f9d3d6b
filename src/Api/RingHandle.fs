// A ring as a descriptor: for what waits for rings from outside.
namespace Uring.FSharp

open System.Threading.Tasks
open Microsoft.Win32.SafeHandles
open Uring.Driver

/// Handles of rings, for poll(2), epoll(7) and other rings (`Poll.once`, `Poll.many`): one is readable when completions come.
/// What comes is the loop's to take all the same, so that it may be gone when somebody looks. man io_uring(7).
[<RequireQualifiedAccess>]
module RingHandle =

    let internal ofLoop (loop: Loop) : SafeFileHandle =
        let duplicate () = Task.FromResult(Adopting.duplicate (loop.Borrow(Sending.number loop)))

        let number = (Sending.whileThere loop duplicate).GetAwaiter().GetResult()
        new SafeFileHandle(nativeint number, true)

    /// A handle of this ring, yours to dispose of: what the ring holds in the kernel goes with the last. ObjectDisposedException
    /// when it has ended or is about to.
    let duplicate (host: LoopHost) : SafeFileHandle = ofLoop host.Loop
