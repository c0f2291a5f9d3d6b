// The simulated kernel as seen by real threads: every call is made alone.
namespace Uring.Simulation.Live

open Uring.Kernel
open Uring.Simulation.Kernel

[<Sealed>]
type internal LiveKernel(live: LiveMachine) =
    let kernel = SimulatedKernel(live.Machine, live.Patience) :> IKernel

    interface IKernel with
        member _.Setup(entries, parameters) =
            use _ = live.Enter()
            kernel.Setup(entries, &parameters)

        member _.Enter(ring, toSubmit, minComplete, flags, timeout, minimum) =
            use _ = live.Enter()
            kernel.Enter(ring, toSubmit, minComplete, flags, timeout, minimum)

        member _.Register(ring, opcode, argument, count) =
            use _ = live.Enter()
            kernel.Register(ring, opcode, argument, count)

        member _.Map(ring, length, offset) =
            use _ = live.Enter()
            kernel.Map(ring, length, offset)

        member _.Allocate(length, kind) =
            use _ = live.Enter()
            kernel.Allocate(length, kind)

        member _.Mirror(address, length) =
            use _ = live.Enter()
            kernel.Mirror(address, length)

        member _.Protect(address, length, accessible) =
            use _ = live.Enter()
            kernel.Protect(address, length, accessible)

        member _.Unmap(address, length) =
            use _ = live.Enter()
            kernel.Unmap(address, length)

        member _.Close descriptor =
            use _ = live.Enter()
            kernel.Close descriptor

        member _.Notify() = kernel.Notify()
        member _.Watch(descriptor, path, mask) = kernel.Watch(descriptor, path, mask)
        member _.Unwatch(descriptor, watch) = kernel.Unwatch(descriptor, watch)
        member _.OpenProcess id = kernel.OpenProcess id
        member _.Signal(descriptor, signal) = kernel.Signal(descriptor, signal)
        member _.SignalMany(group, signal) = kernel.SignalMany(group, signal)

        member _.SocketName(descriptor, ofPeer, address) =
            use _ = live.Enter()
            kernel.SocketName(descriptor, ofPeer, address)

        member _.GetSocketOption(descriptor, level, name, value) =
            use _ = live.Enter()
            kernel.GetSocketOption(descriptor, level, name, value)

        member _.SetSocketOption(descriptor, level, name, value) =
            use _ = live.Enter()
            kernel.SetSocketOption(descriptor, level, name, value)

        member _.Duplicate descriptor =
            use _ = live.Enter()
            kernel.Duplicate descriptor

        member _.OpenedAs descriptor =
            use _ = live.Enter()
            kernel.OpenedAs descriptor

        member _.ModeOf descriptor =
            use _ = live.Enter()
            kernel.ModeOf descriptor

        member _.Pipe(ends, flags) =
            use _ = live.Enter()
            kernel.Pipe(ends, flags)

        member _.Truncate(descriptor, length) =
            use _ = live.Enter()
            kernel.Truncate(descriptor, length)

        member _.Bind(descriptor, address) =
            use _ = live.Enter()
            kernel.Bind(descriptor, address)

        member _.Listen(descriptor, backlog) =
            use _ = live.Enter()
            kernel.Listen(descriptor, backlog)
