/// Calls any public method of Uring.dll, by reflection, with arguments that are well formed: a method that is new is tried
/// because it is there.
module Uring.Tests.Linux.EveryMethod

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Net
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
let isOfTheStack (method: MethodBase) = method.GetParameters() |> Array.exists _.ParameterType.IsByRefLike

let methods: MethodBase list = [
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

let nameOf (method: MethodBase) = $"{(nonNull method.DeclaringType).Name}.{method.Name}"

/// What a case works on: one of each.
type Bench = {
    Ring: Ring
    /// What has methods, which are called on it.
    Objects: IDictionary<Type, obj>
    /// What some methods want instead: by their name, or by that of a parameter.
    Special: IDictionary<string, obj>
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
        given<RingNop>(RingNop())
        given<FileOpenOptions>(FileOpenOptions())
        given<BufferPoolOptions>(BufferPoolOptions())
        given<Action<UringChain>>(Action<UringChain>(fun _ -> ()))
        given<IReadOnlyList<UringFutex>>([| UringFutex() |])
        given<MessageExtras>(MessageExtras())
        given<IReadOnlyList<int>>([| 0 |])
        given<exn>(IOException "none")
        given<Process>(Process.GetCurrentProcess())
        given<SafeHandle>(handle ())
        given<ProcessStartInfo>(ProcessStartInfo "/bin/true")
        given<PosixSignal> PosixSignal.SIGWINCH
        given<PosixSignal array> [| PosixSignal.SIGWINCH |]
        given<int>(8)
        given<int64>(8L)
        given<FileMode>(FileMode.Open)
        given<FileAccess>(FileAccess.Read)
        given<ChildEvents>(ChildEvents.Exited)
        given<WatchEvents>(WatchEvents.All)
        given<Sockets.AddressFamily>(Sockets.AddressFamily.InterNetwork)
        given<Sockets.SocketType>(Sockets.SocketType.Stream)
        given<CancellationToken> token
    ]

/// "UringFile.CopyToAsync.target"
let fullName (parameter: ParameterInfo) =
    let method = parameter.Member :?> MethodBase
    $"{nameOf method}.{parameter.Name}"

let private ordinary (bench: Bench) (parameter: ParameterInfo) : obj =
    let wanted = parameter.ParameterType

    match bench.Objects.TryGetValue wanted, bench.Values.TryGetValue wanted with
    | (true, found), _
    | _, (true, found) -> found
    | _ when wanted.IsValueType -> nonNull (Activator.CreateInstance wanted)
    | _ -> failtest $"no argument of type {wanted} for {parameter.Member}: add one to `wellFormed`"

let argument (bench: Bench) (parameter: ParameterInfo) : obj =
    match bench.Special.TryGetValue(fullName parameter) with
    | true, found when parameter.ParameterType.IsInstanceOfType found -> found
    | _ -> ordinary bench parameter

/// Objects that methods are called on.
let prepare (folder: string) (token: CancellationToken) =
    task {
        File.WriteAllText(Path.Combine(folder, "file"), "contents")
        let ring = new Ring(RingOptions(DirectDescriptors = 12, ReservedDescriptors = 4))
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
        add (socket.CreateLeaseQueue 4)
        let! registered = ring.RegisterBufferAsync 100
        add registered
        add (registered.Slice(0, 10))
        objects[typeof<IReadOnlyList<RegisteredMemory>>] <- [| registered.Slice(0, 10) |]
        let! pool = ring.CreateBufferPoolAsync(4, 256)
        add pool
        add (socket.ReceiveAllAsync pool)
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

        let pausing (chain: UringChain) =
            chain.Pause(TimeSpan.FromDays 1.0).Within(TimeSpan.FromDays 1.0) |> ignore

        add (ring.StartChain(fun chain -> pausing chain))
        let! watcher = UringWatcher.CreateAsync ring
        add watcher
        add (new UringSignals(PosixSignal.SIGWINCH))
        add (UringEpoll(File.OpenHandle path, ring))
        let special = Dictionary<string, obj>()
        special["UringChainRun.ChangeLimitAsync.step"] <- 0
        let! directFile = file.MakeDirectAsync()
        special["UringFile.InstallAsync"] <- directFile
        special["UringFile.MoveToAsync"] <- directFile
        let! directSocket = socket.MakeDirectAsync()
        special["UringSocket.InstallAsync"] <- directSocket
        special["UringSocket.MoveToAsync"] <- directSocket
        let another = new Ring(RingOptions(DirectDescriptors = 1))
        special["UringSocket.MoveToAsync.ring"] <- another
        special["UringFile.MoveToAsync.ring"] <- another
        let! datagrams = UringSocket.BindAsync(IPEndPoint(IPAddress.Loopback, 0), ring)
        special["UringSocket.ReceiveMessagesAsync"] <- datagrams
        File.WriteAllText(Path.Combine(folder, "other"), "")
        let other = Path.Combine(folder, "other")
        let! copy = UringFile.OpenAsync(other, FileMode.Open, FileAccess.ReadWrite, ring)
        special["UringFile.CopyToAsync.target"] <- copy

        return { Ring = ring; Objects = objects; Special = special; Values = wellFormed folder token }
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

    static member Enumerator<'T>(enumerator: IAsyncEnumerator<'T>) : Task =
        task {
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
    | :? ZeroCopySend as sending -> sending.Sent.WaitAsync Hosting.limit
    | result ->
        let shape = result.GetType()

        if isA typedefof<ValueTask<_>> shape then
            by "Value" shape result
        else
            let found = shape.GetInterfaces()

            match
                found |> Array.tryFind (isA typedefof<IAsyncEnumerable<_>>),
                found |> Array.tryFind (isA typedefof<IAsyncEnumerator<_>>)
            with
            | Some stream, _ -> by "Stream" stream result
            | None, Some enumerator -> by "Enumerator" enumerator result
            | None, None -> Task.CompletedTask

/// Calls it and waits for its end: the exception, or null.
let failureOf (method: MethodBase) (target: obj | null) (arguments: (obj | null) array) : Task<exn | null> =
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

let targetOf (bench: Bench) (method: MethodBase) : obj | null =
    if method.IsStatic || method.IsConstructor then
        null
    else
        match
            bench.Special.TryGetValue(nameOf method), bench.Objects.TryGetValue(nonNull method.DeclaringType)
        with
        | (true, found), _
        | _, (true, found) -> found
        | _ -> failtest $"no object to call {nameOf method} on: add one to `prepare`"

/// Every method with every parameter that `choose` has something wrong for: what it says of each must be nothing.
let tryAll (choose: ParameterInfo -> (obj | null) list) (verdict: ParameterInfo -> exn | null -> bool) =
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
