// Decides in which order worlds are visited, and tells how a world was reached when an alarm rings.
// Breadth first, so that the shortest way is told. Knows neither the kernel's steps nor the application's.
module Uring.Laws.ExplorerSearch

open System.Collections.Generic
open Uring.Model
open Uring.Laws.ExplorerWorld
open Uring.Laws.ExplorerKernel
open Uring.Laws.ExplorerApplication

type Step =
    | Kernel of KernelStep
    | Application of AppStep

/// What a search has seen.
type Report = {
    States: int
    Transitions: int
    /// States in which nothing has to happen.
    Rests: int
    /// All counters have passed 2^16.
    Wrapped: bool
    /// Names of the steps.
    Steps: Set<string>
}

/// The way from the start, and what rang at its end.
type Failure = { Text: string; Way: Step list }

/// More than this is no longer quick.
[<Literal>]
let private MostStates = 2_000_000

let private nameOf step =
    let text =
        match step with
        | Kernel step -> $"{step}"
        | Application step -> $"{step}"

    (text.Split ' ')[0]

/// Every state with the way back to the start, and every transition.
type private Visited() =
    let numbers = Dictionary<string, int>()
    let parents = List<int>()
    let steps = List<Step voption>()
    let targets = List<int>()
    let sources = List<int>()
    let rests = List<int>()

    member _.Count = numbers.Count
    member _.Transitions = targets.Count
    member _.Rests = rests.Count

    /// The state's number, and whether it is new.
    member _.Add(world, parent, step) =
        let key = keyOf world

        match numbers.TryGetValue key with
        | true, number -> struct (number, false)
        | _ ->
            let number = numbers.Count
            numbers[key] <- number
            parents.Add parent
            steps.Add step
            struct (number, true)

    member _.Connect(source, target) =
        sources.Add source
        targets.Add target

    /// Names of the steps that led to something new.
    member _.Steps = steps |> Seq.choose ValueOption.toOption |> Seq.distinct |> Seq.map nameOf |> Set.ofSeq

    member _.Rest number = rests.Add number

    member _.WayTo number =
        let rec back number way =
            match steps[number] with
            | ValueSome step -> back parents[number] (step :: way)
            | ValueNone -> way

        back number []

    /// A state from which no way leads to rest, if there is one.
    member _.Restless() =
        let before = Array.init numbers.Count (fun _ -> List<int>())

        for index in 0 .. sources.Count - 1 do
            before[targets[index]].Add sources[index]

        let calm = Array.zeroCreate<bool> numbers.Count
        let open' = Stack<int>(rests)

        for number in rests do
            calm[number] <- true

        while open'.Count > 0 do
            for number in before[open'.Pop()] do
                if not calm[number] then
                    calm[number] <- true
                    open'.Push number

        Array.tryFindIndex not calm

/// Visits every world that can be reached. `wantsRest`: from each of them rest must be in reach.
let explore machine config : Result<Report, Failure> =
    let visited = Visited()
    let frontier = Queue<struct (int * World)>()
    let mutable wrapped = false
    let mutable at = 0
    let mutable last = ValueNone

    let visit parent world step =
        let world = folded world
        last <- step
        ExplorerAlarms.check world
        let struct (number, isNew) = visited.Add(world, parent, step)

        if isNew then
            wrapped <- wrapped || world.Ring.Head < nearWrap
            frontier.Enqueue(struct (number, world))

        number

    /// True when the step leads elsewhere.
    let pass (step, world) =
        let number = visit at world (ValueSome step)

        if number <> at then visited.Connect(at, number)

        number <> at

    let countMoves moves = moves |> List.filter pass |> List.length
    let failure text = Error { Text = text; Way = visited.WayTo at @ (ValueOption.toList last) }

    try
        visit 0 (start machine config) ValueNone |> ignore

        while frontier.Count > 0 && visited.Count < MostStates do
            let struct (number, world) = frontier.Dequeue()
            at <- number
            last <- ValueNone
            let kernel = ExplorerKernel.steps world |> List.map (fun (step, world) -> Kernel step, world)
            let duties = duties machine world |> List.map (fun (step, world) -> Application step, world)
            let choices = choices machine world |> List.map (fun (step, world) -> Application step, world)
            let moves = countMoves (kernel @ duties)
            countMoves choices |> ignore
            last <- ValueNone

            if moves = 0 then
                visited.Rest number
                ExplorerAlarms.checkRest world

        match visited.Restless() with
        | _ when frontier.Count > 0 -> failure $"more than {MostStates} states"
        | Some number when config.Bytes >= 0 ->
            at <- number
            last <- ValueNone
            failure "from here the world never comes to rest"
        | _ ->
            Ok {
                States = visited.Count
                Transitions = visited.Transitions
                Rests = visited.Rests
                Wrapped = wrapped
                Steps = visited.Steps
            }
    with Alarm text ->
        failure text
