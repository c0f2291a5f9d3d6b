/// What every public method of Uring.dll does with nonsense, by reflection: a method that is new is tried because it is there.
/// null, an object that was disposed of, and numbers out of range are refused with the BCL's exceptions and the parameter's
/// name, and nothing of it reaches the ring.
module Uring.Tests.Linux.BadInputTests

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Net
open System.Net.Sockets
open System.Reflection
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.Observe

let private types =
    typeof<Ring>.Assembly.GetExportedTypes()
    |> Array.filter (fun owner -> owner.IsClass)
    |> List.ofArray

let private declared =
    BindingFlags.Public ||| BindingFlags.Instance ||| BindingFlags.Static ||| BindingFlags.DeclaredOnly

/// Reflection cannot pass these; the tests of their own methods do.
let private isOfTheStack (method: MethodBase) =
    method.GetParameters() |> Array.exists _.ParameterType.IsByRefLike

let private methods: MethodBase list = [
    for owner in types do
        for found in owner.GetMembers declared do
            match found with
            | :? MethodInfo as method when
                method.IsSpecialName
                || method.GetBaseDefinition().DeclaringType = typeof<obj>
                || method.IsDefined(typeof<CompilerGeneratedAttribute>, false)
                ->
                ()
            | :? MethodInfo as method when method.IsGenericMethodDefinition ->
                method.MakeGenericMethod typeof<int>
            | :? MethodBase as method -> method
            | _ -> ()
]

let private nameOf (method: MethodBase) = $"{(nonNull method.DeclaringType).Name}.{method.Name}"

/// What a case works on: one of each.
type private Bench = {
    Ring: Ring
    /// What has methods, which are called on it.
    Objects: IDictionary<Type, obj>
    Values: IDictionary<Type, obj>
}

let private given<'T when 'T: not null> (value: 'T) : Type * obj = typeof<'T>, nonNull (box value)

/// Arguments that are well formed, so that only the one in question is to blame.
let private wellFormed (folder: string) (token: CancellationToken) : IDictionary<Type, obj> =
    let path = Path.Combine(folder, "file")
    let handle () = File.OpenHandle(path, share = FileShare.ReadWrite)

    dict [
        given<string> path
        given<Memory<byte>>(Memory<byte>(GC.AllocateArray<byte>(64, true)))
        given<ReadOnlyMemory<byte>>(ReadOnlyMemory<byte>(Array.zeroCreate 4))
        given<IReadOnlyList<Memory<byte>>>([| Memory<byte>(GC.AllocateArray<byte>(64, true)) |])
        given<IReadOnlyList<ReadOnlyMemory<byte>>>([| ReadOnlyMemory<byte>(Array.zeroCreate 4) |])
        given<EndPoint>(IPEndPoint(IPAddress.Loopback, 0))
        given<TimeSpan>(TimeSpan.FromMilliseconds 1.0)
        given<Func<ValueTask>>(Func<ValueTask>(fun () -> ValueTask.CompletedTask))
        given<Func<ValueTask<int>>>(Func<ValueTask<int>>(fun () -> ValueTask<int> 1))
        given<RingOptions>(RingOptions())
        given<BufferPoolOptions>(BufferPoolOptions())
        given<Action<UringChain>>(Action<UringChain>(fun _ -> ()))
        given<IReadOnlyList<UringFutex>>([| UringFutex() |])
        given<MessageExtras>(MessageExtras())
        given<IReadOnlyList<int>>([| 0 |])
        given<exn>(IOException "none")
        given<Process>(Process.GetCurrentProcess())
        given<SafeHandle>(handle ())
        given<ProcessStartInfo>(ProcessStartInfo "/bin/true")
        given<PosixSignal array> [| PosixSignal.SIGWINCH |]
        given<int>(8)
        given<int64>(8L)
        given<AddressFamily>(AddressFamily.InterNetwork)
        given<SocketType>(SocketType.Stream)
        given<FileMode>(FileMode.Open)
        given<FileAccess>(FileAccess.Read)
        given<ChildEvents>(ChildEvents.Exited)
        given<Sockets.AddressFamily>(Sockets.AddressFamily.InterNetwork)
        given<Sockets.SocketType>(Sockets.SocketType.Stream)
        given<CancellationToken> token
    ]

let private argument (bench: Bench) (parameter: ParameterInfo) : obj =
    let wanted = parameter.ParameterType

    match bench.Objects.TryGetValue wanted, bench.Values.TryGetValue wanted with
    | (true, found), _
    | _, (true, found) -> found
    | _ when wanted.IsValueType -> nonNull (Activator.CreateInstance wanted)
    | _ -> failtest $"no argument of type {wanted} for {parameter.Member}: add one to `wellFormed`"

/// Objects that methods are called on.
let private prepare (folder: string) (token: CancellationToken) =
    task {
        File.WriteAllText(Path.Combine(folder, "file"), "contents")
        let ring = new Ring(RingOptions(DirectDescriptors = 8, ReservedDescriptors = 4))
        let objects = Dictionary<Type, obj>()
        let add (value: obj) = objects[value.GetType()] <- value
        let path = Path.Combine(folder, "file")
        add ring
        let! file = UringFile.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite, ring)
        add file
        add (ring.GetSlot 0)
        objects[typeof<IReadOnlyList<UringFile>>] <- [| file |]
        let! directory = UringDirectory.OpenAsync(folder, ring)
        add directory
        let! listener = UringListener.ListenAsync(IPEndPoint(IPAddress.Loopback, 0), 8, ring)
        add listener
        let! socket = UringSocket.ConnectAsync(listener.LocalEndPoint, ring)
        add socket
        let! queue = socket.CreateSendQueueAsync(4, 4096)
        add queue
        let! registered = ring.RegisterBufferAsync 100
        add registered
        add (registered.Slice(0, 10))
        objects[typeof<IReadOnlyList<RegisteredMemory>>] <- [| registered.Slice(0, 10) |]
        let! pool = ring.CreateBufferPoolAsync(4, 64)
        add pool
        let! personality = ring.RegisterPersonalityAsync()
        add personality
        let! pipe = UringPipe.CreateAsync(PipeModes.None, ring)
        add pipe
        add (UringFutex())
        use! mailbox = UringSocket.BindAsync(IPEndPoint(IPAddress.Loopback, 0), ring)
        let! _ = mailbox.SendToAsync(ReadOnlyMemory [| 1uy |], mailbox.LocalEndPoint)
        let! receipt = mailbox.ReceiveMessageAsync [| Memory [| 0uy |] |]
        add receipt
        add (ring.StartTimer(TimeSpan.FromDays 1.0))
        add (socket.CreatePoll PollEvents.Readable)
        let! _ = ring.ChainAsync(fun chain -> add chain)
        let! watcher = UringWatcher.CreateAsync ring
        add watcher
        add (new UringSignals(PosixSignal.SIGWINCH))
        add (UringEpoll(File.OpenHandle path, ring))
        return { Ring = ring; Objects = objects; Values = wellFormed folder token }
    }

/// Ways to wait for what a method returns, for reflection to choose from.
[<Sealed>]
type private Await =
    static member Value<'T>(running: ValueTask<'T>) : Task = running.AsTask().WaitAsync Hosting.limit

    static member Stream<'T>(stream: IAsyncEnumerable<'T>) : Task =
        task {
            let enumerator = stream.GetAsyncEnumerator()
            let! _ = enumerator.MoveNextAsync().AsTask().WaitAsync Hosting.limit
            do! enumerator.DisposeAsync()
        }

let private ended (result: obj | null) : Task =
    let by (name: string) (shape: Type) (result: obj) =
        let way =
            nonNull (
                typeof<Await>
                    .GetMethod(name, BindingFlags.NonPublic ||| BindingFlags.Static ||| BindingFlags.Public)
            )

        nonNull (way.MakeGenericMethod(shape.GetGenericArguments()).Invoke(null, [| result |])) :?> Task

    let isA (definition: Type) (shape: Type) =
        shape.IsGenericType && shape.GetGenericTypeDefinition() = definition

    match result with
    | null -> Task.CompletedTask
    | :? Task as running -> running.WaitAsync Hosting.limit
    | :? ValueTask as running -> running.AsTask().WaitAsync Hosting.limit
    | result ->
        let shape = result.GetType()

        if isA typedefof<ValueTask<_>> shape then
            by "Value" shape result
        else
            match shape.GetInterfaces() |> Array.tryFind (isA typedefof<IAsyncEnumerable<_>>) with
            | Some stream -> by "Stream" stream result
            | None -> Task.CompletedTask

/// Calls it and waits for its end: the exception, or null.
let private failureOf
    (method: MethodBase)
    (target: obj | null)
    (arguments: (obj | null) array)
    : Task<exn | null> =
    task {
        try
            match method with
            | :? ConstructorInfo as maker -> maker.Invoke arguments |> ignore
            | method -> do! ended (method.Invoke(target, arguments))

            return null
        with
        | :? TargetInvocationException as wrapped when not (isNull wrapped.InnerException) ->
            return wrapped.InnerException
        | reason -> return reason
    }

let private targetOf (bench: Bench) (method: MethodBase) : obj | null =
    if method.IsStatic || method.IsConstructor then
        null
    else
        match bench.Objects.TryGetValue(nonNull method.DeclaringType) with
        | true, found -> found
        | false, _ -> failtest $"no object to call {nameOf method} on: add one to `prepare`"

/// Every method with every parameter that `choose` has something wrong for: what it says of each must be nothing.
let private tryAll
    (choose: ParameterInfo -> (obj | null) list)
    (verdict: ParameterInfo -> exn | null -> bool)
    =
    inFolder (fun folder ->
        task {
            // What is not refused goes no further than this token lets it.
            let! bench = prepare folder (CancellationToken true)
            let wrong = List<string>()

            for method in methods |> List.filter (isOfTheStack >> not) do
                for parameter in method.GetParameters() do
                    for value in choose parameter do
                        let arguments: (obj | null) array =
                            method.GetParameters() |> Array.map (fun one -> argument bench one)

                        arguments[parameter.Position] <- value
                        let! failure = failureOf method (targetOf bench method) arguments

                        if not (verdict parameter failure) then
                            let said =
                                match failure with
                                | null -> "nothing"
                                | reason -> $"{reason.GetType().Name}: {reason.Message}"

                            wrong.Add $"{nameOf method}({parameter.Name} = {value}): {said}"

            do! bench.Ring.DisposeAsync()
            Expect.equal (List.ofSeq wrong) [] "each is refused, with its name"
        })

let private fullName (parameter: ParameterInfo) =
    let method = parameter.Member :?> MethodBase
    $"{nameOf method}.{parameter.Name}"

/// Every number is a good one: a word of memory, a time long past; or the kernel's to judge.
let private anyNumber =
    set [
        "UringFutex.WaitAsync.expected"
        "Ring.DelayUntilTimestampAsync.timestamp"
        "UringSocket.GetRawSocketOptionAsync.level"
        "UringSocket.GetRawSocketOptionAsync.name"
        "UringSocket.SetRawSocketOptionAsync.level"
        "UringSocket.SetRawSocketOptionAsync.name"
        "ControlMessage..ctor.level"
        "ControlMessage..ctor.type"
    ]

/// No path: nothing that the kernel sees.
let private anyText = set [ "LeaseLostEventArgs..ctor.description" ]

let private nullability = NullabilityInfoContext()

let private mayBeNull (parameter: ParameterInfo) =
    lock nullability (fun () -> nullability.Create(parameter).WriteState <> NullabilityState.NotNull)

let private names (parameter: ParameterInfo) (failure: exn | null) =
    match failure with
    | :? ArgumentException as reason -> reason.ParamName = parameter.Name
    | _ -> false

[<Tests>]
let tests =
    testList "Bad input" [
        testTask "null" {
            do!
                tryAll
                    (fun parameter ->
                        if parameter.ParameterType.IsValueType || mayBeNull parameter then [] else [ null ])
                    (fun parameter failure -> failure :? ArgumentNullException && names parameter failure)
        }
        testTask "no text, and text with a zero in it" {
            do!
                tryAll
                    (fun parameter ->
                        if parameter.ParameterType = typeof<string> then [ ""; "a\000b" ] else [])
                    (fun parameter failure -> anyText.Contains(fullName parameter) || names parameter failure)
        }
        testTask "a ring that was disposed of" {
            let ended = new Ring()
            do! ended.DisposeAsync()

            do!
                tryAll
                    (fun parameter -> if parameter.ParameterType = typeof<Ring> then [ ended ] else [])
                    (fun parameter failure ->
                        parameter.Member :? ConstructorInfo || failure :? ObjectDisposedException)
        }
        testTask "below the least" {
            do!
                tryAll
                    (fun parameter ->
                        match parameter.ParameterType with
                        | shape when shape = typeof<int> -> [ Int32.MinValue ]
                        | shape when shape = typeof<int64> -> [ Int64.MinValue ]
                        | shape when shape = typeof<TimeSpan> -> [ TimeSpan.MinValue ]
                        | _ -> [])
                    (fun parameter failure ->
                        anyNumber.Contains(fullName parameter) || names parameter failure)
        }
        testTask "values that an enumeration has not" {
            do!
                tryAll
                    (fun parameter ->
                        if parameter.ParameterType.IsEnum then
                            [ Enum.ToObject(parameter.ParameterType, 0x40404040) |> box ]
                        else
                            [])
                    names
        }
        testTask "after it was disposed of" {
            do!
                inFolder (fun folder ->
                    task {
                        let! bench = prepare folder CancellationToken.None
                        let wrong = List<string>()

                        for found in bench.Objects.Values do
                            match found with
                            | :? Ring -> ()
                            | :? IAsyncDisposable as found -> do! found.DisposeAsync()
                            | _ -> ()

                        do! bench.Ring.DisposeAsync()

                        for method in methods |> List.filter (isOfTheStack >> not) do
                            if not (method.IsStatic || method.IsConstructor) then
                                let arguments: (obj | null) array =
                                    method.GetParameters() |> Array.map (fun one -> argument bench one)

                                let! failure = failureOf method (targetOf bench method) arguments
                                let isRelease = method.Name = "Dispose" || method.Name = "DisposeAsync"

                                match failure with
                                | :? ObjectDisposedException when not isRelease -> ()
                                | null when isRelease -> ()
                                | null -> wrong.Add $"{nameOf method}: nothing"
                                | reason ->
                                    wrong.Add $"{nameOf method}: {reason.GetType().Name}: {reason.Message}"

                        Expect.equal (List.ofSeq wrong) [] "each says so"
                    })
        }
    ]
