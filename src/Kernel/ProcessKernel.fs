// The kernel of those who name none. Linux, unless somebody simulates a whole process: tests that run real threads on a
// simulated machine.
namespace Uring.Kernel

/// Which kernel this process runs on.
[<Sealed; AbstractClass>]
type internal ProcessKernel private () =
    static let mutable current = LinuxKernel.Instance

    /// Set before the first ring is made: rings that exist stay where they are.
    static member Current
        with get () = current
        and set (value: IKernel) = current <- value
