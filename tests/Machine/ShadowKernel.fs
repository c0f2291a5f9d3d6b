// The running kernel's name for the simulated one: for tests that name it.
namespace Uring.Kernel

open Uring.Tests.Machine

[<AbstractClass; Sealed>]
type LinuxKernel =
    /// The kernel that this process runs on.
    static member Instance: IKernel = OneMachine.kernel
